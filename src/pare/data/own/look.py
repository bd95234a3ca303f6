"""A first look at a user's files, by the format that suits them."""

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pare.config.errors import PareError
from pare.data.files import FETCH, is_hidden
from pare.data.formats.array_files import NPY, SUFFIXES
from pare.data.origins.own_files import find_path, link_files
from pare.data.own.findings import Inspection, Question
from pare.data.own.format import Format
from pare.data.registries import own_formats

OPTION = re.compile(r"the reader's option '(categorical|encoding|ignore|missing|target)'")  # before a task says any


def inspect_files(paths: Sequence[Path], question: Question) -> Inspection:
    """Look into files with the format that suits them.

    Args:
        paths: absolute, of files that go together, or of one folder, see `Format.files`.
        question: what is to be predicted.

    Raises:
        PareError: if no format suits the files or they are not readable, or it is not clear what to predict from what.
    """
    form = format_of(paths, question)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "files"
        link_files(folder, [find_path(str(path), folder) for path in paths])
        try:
            found = form.inspect([folder / path.name for path in paths], question)
        except PareError as error:  # the user knows the files by other paths
            message = str(error).replace(f"{folder}{os.sep}", "").replace(f"{folder}", "the files")
            message = OPTION.sub(r"--\1 NAME", message).replace(f", or remove it and {FETCH}", "")
            raise PareError(message) from error
    if question.ordered and found.groups:
        raise PareError("--ordered cuts rows where they are, and --groups keeps some together; give one of them")
    return replace(found, ordered=question.ordered)


def format_of(paths: Sequence[Path], question: Question) -> type[Format]:
    """The format that suits files best.

    Raises:
        PareError: if none does, naming what each reads.
    """
    forms = {form: form.suits(paths, question) for form in own_formats()}
    best = max(forms, key=forms.__getitem__)
    if not forms[best]:
        known = "; ".join(form.files for form in forms)
        raise PareError(f"{', '.join(path.name for path in paths)}: expected one of these: {known}")
    return best


def inner_paths(paths: Sequence[Path]) -> list[Path]:
    """The paths; of one folder of nothing but files of arrays, or of folders of NPY files, what is in it.

    Such files are ``x.npy`` and ``y.npy``, such folders ``input`` and ``output``.
    """
    if len(paths) == 1 and paths[0].is_dir():
        inner = [path for path in sorted(paths[0].iterdir()) if not is_hidden(path)]
        if all(path.is_dir() and any(path.glob(f"*{NPY}")) for path in inner):
            return inner
        if all(path.is_file() and path.suffix.lower() in SUFFIXES for path in inner):
            return inner
    return list(paths)
