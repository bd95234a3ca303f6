"""Files that were brought to this machine before: one folder for all that would come over a network.

`PARE_FILES` names it. A folder in it for each task, encoder and proxy has the publisher's files under the names that a
message about a failed download tells, such as ``$PARE_FILES/swin_base/model.safetensors``.
"""

import os
from pathlib import Path

VARIABLE = "PARE_FILES"


def given_folder(folder: Path) -> Path | None:
    """Where the files of a raw folder were put; None without the variable, or without such a folder.

    Args:
        folder: a raw folder, whose name may end with the environment's: ``swin_base-env_paper``.
    """
    place = _place(folder.name)
    return place if place and place.is_dir() else None


def advice(name: str, files: str) -> str:
    """For a message on a failed download: where all files of a matrix can be put.

    Args:
        name: name of the raw folder, or a folder that several share.
        files: the files, in words.
    """
    said = os.environ.get(VARIABLE)
    return f"put {files} into {_place(name) or f'FOLDER/{_plain(name)}'}" + (
        "" if said else f" and set {VARIABLE}=FOLDER"
    )


def _place(name: str) -> Path | None:
    said = os.environ.get(VARIABLE)
    return Path(said).expanduser().absolute() / _plain(name) if said else None


def _plain(name: str) -> str:
    return name.partition("-")[0]  # names of tasks, sources and proxies have no hyphen
