"""Files and folders that appear on disk whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pare.config.errors import PareError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Offer a temporary name beside ``path``, renamed to it when the block ends without an error.

    The block creates a file or a folder under the temporary name. A folder that stood at ``path`` is
    replaced. Whatever was written is removed when the block fails or is interrupted.

    Args:
        path: where the result will stand.

    Yields:
        The temporary path; it does not exist yet.

    Raises:
        PareError: if the folder of ``path`` cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise PareError(
            f"cannot write to {path.parent} ({error.strerror}); give this user write permission or free space there"
        ) from error
    unfinished, replaced = scratch / path.name, scratch / f"{path.name}.replaced"
    try:
        yield unfinished
        if path.is_dir():
            os.rename(path, replaced)
        os.replace(unfinished, path)
    finally:
        if replaced.exists() and not path.exists():  # interrupted between the two renames
            os.rename(replaced, path)
        shutil.rmtree(scratch, ignore_errors=True)
