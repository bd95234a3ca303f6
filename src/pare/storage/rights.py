"""Rights of files that a library makes for their owner alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def usual_rights(path: Path) -> Iterator[None]:
    """Give the file that the block writes the rights of other new files, which the user's umask decides.

    `safetensors` writes a temporary file, which only its owner may read, and renames it.

    Args:
        path: the file.
    """
    path.touch()
    mode = path.stat().st_mode
    yield
    path.chmod(mode)
