"""CoNLL-2003 in its publisher's columns."""

import zipfile

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.paper.proxies.conll import read_conll2003

TRAIN = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

It PRP B-NP O
rained VBD B-VP O

-DOCSTART- -X- -X- O

BRUSSELS NNP B-NP B-LOC
West NNP B-NP I-ORG
Ham NNP I-NP I-ORG
"""


def write(folder, text, member="train.txt"):
    with zipfile.ZipFile(folder / "conll2003.zip", "w") as archive:
        archive.writestr(member, text)
        archive.writestr("test.txt", "ignored NN B-NP O\n")


def test_a_sentence_has_the_type_that_most_of_its_words_have_and_ties_go_by_the_alphabet(tmp_path):
    write(tmp_path, TRAIN)
    proxy = read_conll2003(tmp_path)
    labelled = [(text, proxy.class_names[label]) for text, label in zip(proxy.texts, proxy.labels, strict=True)]
    assert labelled == [
        ("EU rejects German call", "MISC"),
        ("Peter Blackburn", "PER"),
        ("It rained", "none"),
        ("BRUSSELS West Ham", "ORG"),
    ]
    assert proxy.class_names == ["LOC", "MISC", "ORG", "PER", "none"] and proxy.labels.dtype == np.int64


@pytest.mark.parametrize("line", ["word O", "word NN B-NP B-ANIMAL", "word NN B-NP PER"])
def test_another_layout_is_refused_by_line(tmp_path, line):
    write(tmp_path, f"good NN B-NP O\n{line}\n")
    with pytest.raises(PareError, match=f"line 2 of train.txt is '{line}'; expected word, two grammatical tags"):
        read_conll2003(tmp_path)


def test_archives_without_sentences_are_refused(tmp_path):
    with pytest.raises(PareError, match=r"no file conll2003.zip"):
        read_conll2003(tmp_path)
    write(tmp_path, TRAIN, member="other.txt")
    with pytest.raises(PareError, match=r"does not hold train.txt"):
        read_conll2003(tmp_path)
    write(tmp_path, "-DOCSTART- -X- -X- O\n\n")
    with pytest.raises(PareError, match="holds no sentence"):
        read_conll2003(tmp_path)
