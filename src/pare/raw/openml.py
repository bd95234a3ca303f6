"""Tables of OpenML in the publisher's ARFF files (OpenML-CC18, section 4.3 of the paper)."""

import json
import tempfile
from pathlib import Path
from typing import Any

import arff
from pydantic import PositiveInt

from pare.arrays.atomic import atomic_path
from pare.config.errors import PareError
from pare.raw.download import RemoteFile, brief, fetch

ARFF = "dataset.arff"
DESCRIPTION = "dataset.json"


def openml_dataset(folder: Path, id: PositiveInt) -> dict[str, str | None]:
    """Bring a dataset of OpenML: ``dataset.arff`` byte for byte, and ``dataset.json`` with its description.

    Without a network, an ARFF file that was put into the folder by hand serves as well; its description then
    names no target, so the reader must.

    Args:
        folder: where the files shall stand.
        id: OpenML's number of the dataset, e.g. 1510.

    Returns:
        ``{file name: URL}``.

    Raises:
        PareError: if OpenML cannot be reached and no ARFF stands there, or the file's MD5 is not OpenML's.
    """
    standing = folder / ARFF
    try:
        description, url = _ask_openml(id)
    except Exception as error:  # openml's, requests' or expat's own: all mean that there is no answer
        if not standing.is_file():
            raise PareError(
                f"cannot fetch OpenML dataset {id} ({brief(error)}). Fetch its ARFF "
                f"file from https://www.openml.org/d/{id} on a machine with a network, put it at "
                f"{standing}, give the reader's option 'target', and run the same command again"
            ) from error
        description, url = _description(id), f"https://www.openml.org/d/{id}"
    else:
        fetch(RemoteFile(name=ARFF, url=url, md5=description["md5"]), folder)
    _write_json(description, folder / DESCRIPTION)
    return {ARFF: url, DESCRIPTION: None}


def _ask_openml(id: int) -> tuple[dict[str, Any], str]:
    """Description and ARFF address of a dataset; nothing is left in the user's OpenML cache."""
    import openml  # noqa: PLC0415 - slow to import, and makes folders in the user's home

    settings = {"connection_n_retries": 1, "retry_policy": "human"}
    failure = None
    with tempfile.TemporaryDirectory() as cache:
        # The context restores OpenML's settings only if its block ends without an error.
        with openml.config.overwrite_config_context(settings | {"cachedir": cache}):
            try:
                found = openml.datasets.get_dataset(
                    id, download_data=False, download_qualities=False, download_features_meta_data=False
                )
            except Exception as error:
                failure = error
        if failure is not None:
            raise failure
    ignored = [found.row_id_attribute, *(found.ignore_attribute or [])]
    description = _description(
        id,
        name=found.name,
        version=found.version,
        default_target=found.default_target_attribute,
        ignored=[name for name in ignored if name],
        md5=found.md5_checksum,
        licence=found.licence,
    )
    return description, str(found.url)


def scikit_learn_wdbc(folder: Path) -> dict[str, str | None]:
    """Write the Wisconsin breast cancer table that scikit-learn ships, in the layout of OpenML 1510 ``wdbc``.

    The two are the same table row for row. OpenML names the features V1 to V30 and the classes 1 (benign,
    357 rows) and 2 (malignant, 212 rows); scikit-learn codes malignant as 0 and benign as 1.

    Args:
        folder: where the files shall stand.

    Returns:
        ``{file name: None}``.

    Raises:
        PareError: if the folder cannot be written.
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
    with atomic_path(folder / ARFF) as path, path.open("w", encoding="utf-8") as stream:
        arff.dump(content, stream)
    description = _description(1510, name="wdbc", version=1, default_target="Class", licence="CC BY 4.0")
    _write_json(description, folder / DESCRIPTION)
    return {ARFF: None, DESCRIPTION: None}


def _description(id: int, **known: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("name", "version", "default_target", "md5", "licence"))
    return {"id": id, **empty, "ignored": [], **known}


def _write_json(content: Any, path: Path) -> None:
    with atomic_path(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
