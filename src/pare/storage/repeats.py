"""How many rows of a model input have equal inputs."""

from dataclasses import dataclass

from pare.config.words import counted


@dataclass(frozen=True)
class Repeats:
    """How many rows have equal inputs.

    Attributes:
        rows: all that a task uses.
        repeats: rows whose inputs an earlier row has.
        ambiguous: rows with the inputs of another row of another class.
        test: test rows.
        known: test rows whose inputs a training or validation row has.
        together: whether equal rows stay in one part, wherever the project draws parts.
    """

    rows: int
    repeats: int
    ambiguous: int
    test: int
    known: int
    together: bool

    def __bool__(self) -> bool:
        return self.repeats > 0

    def sentences(self) -> list[str]:
        """What a user should know of them, without a full stop each; none where all inputs differ."""
        said = []
        if self.repeats:
            rule = "; equal rows stay in one part" if self.together and not self.known else ""
            said.append(f"{self.repeats} of {self.rows} rows have the inputs of an earlier row{rule}")
        if self.ambiguous:
            said.append(f"{self.ambiguous} rows have the inputs of a row of another class: no model tells them apart")
        if self.known:
            said.append(f"{self.known} of {counted(self.test, 'test row')} have the inputs of a training row")
        return said
