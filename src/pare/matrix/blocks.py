"""The run matrix: which tasks are learnt with which methods, seeds and variants."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from pare.config.errors import PareError
from pare.config.library import Library, merged
from pare.config.resolve import resolve
from pare.config.run import FOLD, Run
from pare.config.strict import Strict, validated
from pare.config.suitability import unsuited
from pare.config.words import listed
from pare.storage.result_lines import nested

# A list has at most one entry, and no text has a comma, which ends a value on the command line.
Value = bool | int | float | str | None | Annotated[list[Any], Field(max_length=1)]
NAMES = frozenset({"task", "method", "seed", FOLD, "variant"})
MOST = 1000  # seeds or folds of one command
VariantName = Annotated[str, Field(pattern=r"^([a-z0-9_]*[a-z_][a-z0-9_]*)?$")]


class Block(Strict):
    """Runs that are looked at together: every task with every method, variant, seed and fold."""

    tasks: list[str] = Field(min_length=1)
    methods: list[str] = Field(min_length=1, description="what learns them")
    seeds: list[NonNegativeInt] = Field(min_length=1)
    folds: int = Field(default=1, ge=1, le=MOST, description="folds of a cross-validation; 1: the tasks' own test rows")
    variants: dict[VariantName, dict[str, Value]] = Field(
        default_factory=dict,
        description='name and values as on the command line; "" for the plain method; none: as they are',
    )

    @field_validator("tasks", "methods", "seeds")
    @classmethod
    def _each_once(cls, names: list[Any]) -> list[Any]:
        """A run that is named twice would count twice in a mean."""
        if twice := [str(name) for name, count in Counter(names).items() if count > 1]:
            raise ValueError(f"{listed(twice)} comes more than once; name each once")
        return names

    @model_validator(mode="after")
    def _values_suit_the_command_line(self) -> "Block":
        for name, values in self.variants.items():
            if taken := NAMES.intersection(values):
                raise ValueError(f"variant {name!r} sets {', '.join(sorted(taken))}, which the block itself names")
            for key, value in values.items():
                if "," in str(value):
                    raise ValueError(f"variant {name!r} sets {key} to {value!r}, whose comma would end it; drop that")
        return self


class Matrix(Strict):
    """All blocks, by title. A run in several of them is the same run."""

    blocks: dict[str, Block] = Field(min_length=1)


@dataclass(frozen=True)
class Cell:
    """One run of the matrix.

    Attributes:
        run: the run, resolved.
        values: what its variant sets, such as ``{"mixing.start": 0.1}``.
    """

    run: Run
    values: dict[str, Value]

    @property
    def name(self) -> str:
        """Unique in the matrix: task, method with variant, seed, and a fold such as 2_of_5."""
        fold = f"-{self.run.differs[FOLD]}" if FOLD in self.run.differs else ""
        return f"{self.run.task_name}-{self.run.method_folder}-{self.run.seed}{fold}"


def expand(
    values: Mapping[str, Any], library: Library, parameters: Mapping[str, Any], origin: str = "matrix.yml"
) -> dict[str, list[Cell]]:
    """Every run of the matrix, by the title of its block.

    Args:
        values: the content of matrix.yml.
        library: tasks, sources, proxies, starts and learners.
        parameters: the project's parameters.
        origin: where the matrix is from, for messages.

    Raises:
        PareError: for an unknown name or key, a value of the wrong type, or a name that means two things.
    """
    matrix = validated(Matrix, "matrix", values)
    blocks = {}
    for title, block in matrix.blocks.items():
        try:
            blocks[title] = list(_cells(block, library, parameters))
        except PareError as error:
            raise PareError(f"block {title!r} of {origin}: {error}") from None
    _refuse_contradictions(blocks)
    return blocks


def unique(blocks: Mapping[str, list[Cell]]) -> dict[str, Cell]:
    """Every run once, by its name."""
    return {cell.name: cell for cells in blocks.values() for cell in cells}


def _check_pairs(block: Block, library: Library) -> None:
    """Refuse a block with a method that cannot learn one of its tasks, with all such pairs."""
    reasons = {
        f"{task} with {method}": unsuited(library.learner(method), library.task(task))
        for task, method in product(block.tasks, block.methods)
    }
    if impossible := [f"{pair} ({why})" for pair, why in reasons.items() if why]:
        raise PareError(
            f"a block is each task with each method, and these cannot be: {listed(impossible)}; give tasks and methods "
            "that suit each other a block, or a command, of their own"
        )


def _cells(block: Block, library: Library, parameters: Mapping[str, Any]) -> list[Cell]:
    _check_pairs(block, library)
    variants: dict[str, dict[str, Value]] = dict(block.variants) or {"": {}}
    cells: list[Cell] = []
    folds = [{FOLD: f"{fold}/{block.folds}"} for fold in range(1, block.folds + 1)] if block.folds > 1 else [{}]
    for task, method, (variant, values), fold in product(block.tasks, block.methods, variants.items(), folds):
        overrides = {"task": task, "method": method, "variant": variant, **fold, **nested(values)}
        run = resolve(library, merged(parameters, overrides), overrides)
        cells += [Cell(_with_seed(run, seed), values) for seed in block.seeds]
    return cells


def _with_seed(run: Run, seed: int) -> Run:
    candidates = [_with_seed(candidate, seed) for candidate in run.candidates]
    return run.model_copy(update={"seed": seed, "candidates": candidates})


def _refuse_contradictions(blocks: Mapping[str, list[Cell]]) -> None:
    known: dict[str, tuple[str, Cell]] = {}
    for title, cells in blocks.items():
        for cell in cells:
            first, other = known.setdefault(cell.name, (title, cell))
            if other.values != cell.values:
                raise PareError(
                    f"variant {cell.run.variant!r} of {cell.run.method_name} is {other.values} in block {first!r} and "
                    f"{cell.values} in block {title!r} of matrix.yml; give one of them another name"
                )
