"""The one error that users see: what was expected, what was found, what to do."""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches

# What messages say that do not know the run; the hooks, which know it, put its whole command there.
INGEST = "`kedro run --pipelines=ingest` with the --env and --params of this run"
PREPROCESS = INGEST.replace("ingest", "preprocess")
# What other libraries call hyperparameters, and what they are called here.
SYNONYMS = {
    "lr": "learning_rate",
    "wd": "weight_decay",
    "bs": "batch_size",
    "n_epochs": "epochs",
    "max_epochs": "epochs",
    "num_epochs": "epochs",
    "optimizer": "optimiser",
    "time_limit": "minutes",
}
LISTED = 40  # names; of more, a message says the nearest ones only


class PareError(Exception):
    """A problem that the user can mend; its message is shown without a traceback."""

    def name_commands(self, command: Callable[[str], str]) -> None:
        """Say the whole command where the message names a pipeline of a run that it does not know.

        Args:
            command: gives the command of a pipeline, such as `Run.command`.
        """
        message = str(self)
        for pipeline, words in (("ingest", INGEST), ("preprocess", PREPROCESS)):
            message = message.replace(words, f"`{command(pipeline)}`")
        self.args = (message,)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was caused by; Kedro wraps those that its datasets raise."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def unknown_name(kind: str, name: object, known: Iterable[str], where: str) -> PareError:
    """Say that a name is unknown, which one was probably meant, and where the known ones are defined.

    Of many known names the three nearest are said, of few all of them; of another library's word the one it means.

    Args:
        kind: what the name should have been, e.g. ``task``.
        name: what was given.
        known: the valid names.
        where: the command or file that lists them.

    Returns:
        The error, ready to be raised.
    """
    names = sorted(known)
    many = len(names) > LISTED
    section, dot, key = str(name).rpartition(".")
    meant = f"{section}{dot}{SYNONYMS.get(key, key)}"
    near = [meant] if meant in names else get_close_matches(str(name), names, n=3, cutoff=0 if many else 0.5)
    hint = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    listed = "" if many else f" Known: {', '.join(names) or 'none'}."
    return PareError(f"{kind} {name!r} is unknown.{hint}{listed} See {where}.")
