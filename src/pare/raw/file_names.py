"""Names of raw files, as configuration and manifests may give them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

MANIFEST = "manifest.json"
MADE_HERE = ".made_here.sha256"
PREPROCESSOR = "preprocessor_config.json"  # how Hugging Face names it


def _plain_name(name: str) -> str:
    """Refuse names that would leave the folder: configuration and manifests are text that anyone may edit."""
    if name in ("", ".", "..", MANIFEST, MADE_HERE) or Path(name).name != name or "\\" in name:
        raise ValueError(f"{name!r} is no plain file name; give a name without folders, other than {MANIFEST}")
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]


def plain_stem(path: Path) -> str:
    """The name of a file without its ending, or without both endings of a compressed one."""
    return Path(path.name.removesuffix(".gz")).stem
