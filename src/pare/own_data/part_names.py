"""Words in names of files and arrays that say which part of the rows they hold."""

import re
from collections.abc import Sequence
from pathlib import Path

from pare.raw.file_names import plain_stem

PART_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


def words_and_part(name: str) -> tuple[tuple[str, ...], str | None]:
    """Words of a name without those that name a part, and the part; None where no word or several name one.

    ``x_train`` is ``x`` of ``train``, and so is ``XTrain`` with a capital.
    """
    words = [word for joined in re.split(r"[/_.\-\s]+", name) for word in _without_capitals(joined)]
    named = [word for word in words if word.lower() in PART_WORDS]
    rest = tuple(word for word in words if word not in named)
    return rest, PART_WORDS[named[0].lower()] if len(named) == 1 else None


def _without_capitals(word: str) -> list[str]:
    """Words that begin with capitals inside one, where a part is among them."""
    words = re.split(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", word)
    return words if any(word.lower() in PART_WORDS for word in words) else [word]


def train_and_test(paths: Sequence[Path]) -> dict[str, Path]:
    """Two files by the parts that their names say, ``train`` first; none where they are not these two."""
    found = {words_and_part(plain_stem(path))[1]: path for path in paths}
    two = len(paths) == 2 and found.keys() == {"train", "test"}  # not x_train, y_train, x_test and y_test
    return {part: found[part] for part in ("train", "test")} if two else {}
