"""CoNLL-2003: English newswire whose words are marked as names of places, people, organisations and others."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pare.config.errors import PareError
from pare.data.files import FETCH
from pare.data.formats.archives import open_zip, zip_member
from pare.data.own.file_checks import one_file
from pare.data.proxies import TextProxy

FILE_BYTES = 1 << 26
TYPES = ["LOC", "MISC", "ORG", "PER"]


def read_conll2003(folder: Path) -> TextProxy:
    """The training sentences of CoNLL-2003 (Tjong Kim Sang and De Meulder 2003), labelled by their names.

    The class of a sentence is the type of name that most of its words belong to, the first in the alphabet where
    several are equal, or ``none``. Sentences of one class that are joined to fill the tokens of a target keep that
    class by the same rule. The paper uses arrays of vectors and fewer than 8 labels without saying how they were
    made; here they are made of the text, with the encoder's own tokenizer.

    Args:
        folder: holds ``conll2003.zip`` with ``train.txt``: a word a line, its tag last, a blank line between sentences.

    Raises:
        PareError: if the archive is missing or damaged, or the file has another layout.
    """
    path = one_file(folder, "conll2003.zip")
    with open_zip(path) as archive:
        lines = zip_member(archive, "train.txt", FILE_BYTES).getvalue().decode("utf-8", "replace").splitlines()
    names = [*TYPES, "none"]
    texts, labels = [], []
    for words, types in _sentences(lines, path):
        counts = Counter(types)
        texts.append(" ".join(words))
        labels.append(names.index(max(TYPES, key=lambda t: counts[t]) if counts else "none"))
    if not texts:
        raise PareError(f"{path}: train.txt holds no sentence; remove it and {FETCH}")
    return TextProxy(texts, np.array(labels, dtype=np.int64), names)


def _sentences(lines: list[str], path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Words of each sentence, and the types of those that belong to a name."""
    words: list[str] = []
    types: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        columns = line.split()
        if columns and columns[0] != "-DOCSTART-":
            kind = columns[-1].partition("-")[2]  # B-PER and I-PER to PER, O to nothing
            if len(columns) != 4 or (columns[-1] != "O" and kind not in TYPES):
                raise PareError(
                    f"{path}: line {number} of train.txt is {line!r}; expected word, two grammatical tags, and O or a "
                    f"name's type, such as B-{TYPES[0]}. Put the publisher's file there"
                )
            words.append(columns[0])
            types += [kind] if kind else []
        elif words:
            yield words, types
            words, types = [], []
