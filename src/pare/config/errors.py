"""The one error that users see: what was expected, what was found, what to do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

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
    "patience": "epochs",  # there is none: the best epoch is selected
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


def unknown_name(kind: str, name: object, known: Iterable[str], where: str, common: Sequence[str] = ()) -> PareError:
    """Say that a name is unknown, which one was probably meant, and where the known ones are defined.

    Args:
        kind: what the name should have been, e.g. ``task``.
        name: what was given.
        known: the valid names; where they are more than `LISTED`, the message has the three nearest.
        where: the command or file that lists them.
        common: the valid names that are listed, where others are for experts.

    Returns:
        The error, ready to be raised.
    """
    names = sorted(known)
    many = len(names) > LISTED
    section, dot, key = str(name).rpartition(".")
    meant = f"{section}{dot}{SYNONYMS.get(key, key)}"
    near = [meant] if meant in names else get_close_matches(str(name), names, n=3, cutoff=0 if many else 0.5)
    hint = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    experts = f" and {len(names) - len(common)} for experts" if common else ""
    listed = "" if many else f" Known: {', '.join(common or names) or 'none'}{experts}."
    return PareError(f"{kind} {name!r} is unknown.{hint}{listed} See {where}.")


def import_extra(module: str, user: str, requirement: str) -> Any:
    """Import a library that is no dependency of the whole project.

    Args:
        module: the library's module.
        user: what needs it, in messages.
        requirement: what pip installs, this project with an extra.

    Raises:
        PareError: where it is not installed, or what it needs itself.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise PareError(
            f"{user} needs the package {error.name!r}, not installed; pip install {requirement!r}"
        ) from error
