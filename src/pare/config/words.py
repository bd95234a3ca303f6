"""Words in messages and on pages."""

from collections.abc import Sequence


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def all_done(number: int) -> str:
    """What is said of runs of which none is left."""
    return "The run is done." if number == 1 else f"All {number} runs are done."


def counted(number: int, what: str) -> str:
    """Such as ``1 seed`` or ``2 seeds``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
