"""`pare init`: a project folder out of the installed package."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path
from shlex import quote

import click
from kedro import __version__ as kedro_version
from kedro.framework.cli.utils import CONTEXT_SETTINGS

from pare.cli.common import clear_errors
from pare.config import PareError
from pare.storage.atomic import atomic_path, recover

LAYERS = ("01_raw", "05_model_input", "06_models", "07_model_output", "08_reporting")
LAST = "pyproject.toml"  # by which Kedro knows a project
TEXTS = {  # by their names in the project
    ".gitignore": "gitignore",
    ".telemetry": "telemetry",  # kedro-telemetry reads it
    "README.md": "README.md",
    LAST: LAST,
}


@click.command(context_settings=CONTEXT_SETTINGS)
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a project in FOLDER: configuration, data folders, and all that `kedro` asks for.

    \b
    Example:
      pare init my_project
      cd my_project
      kedro tasks new ../wine.csv --target cultivar
    """
    with clear_errors():
        write_project(folder.resolve())
    click.echo(f"A project is in {folder}. Its README.md has three commands to begin with, and the first is")
    click.echo(f"  cd {quote(str(folder))} && kedro tasks new FILE --target NAME")


def write_project(folder: Path) -> None:
    """Write a project without data, or what is missing of one that was interrupted; its pyproject.toml comes last.

    Args:
        folder: new, empty, or begun before.

    Raises:
        PareError: where the folder holds something else, is a file, cannot be written, or has a name that Kedro cannot
            look into.
    """
    if {*"[*?"} & {*str(folder)}:
        raise PareError(f"{folder} has [, * or ? in its path, which Kedro takes for a pattern; name another folder")
    _refuse_others(folder)
    if not (folder / "conf").exists():
        with as_file(files("pare") / "conf") as conf, atomic_path(folder / "conf") as unfinished:
            shutil.copytree(conf, unfinished, ignore=_others_own)
    if not (folder / "data").exists():
        with atomic_path(folder / "data") as unfinished:
            for layer in LAYERS:
                (unfinished / layer).mkdir(parents=True)
                (unfinished / layer / ".gitkeep").touch()
    for name, template in TEXTS.items():
        if (folder / name).exists():
            continue
        text = (files("pare.cli") / "new_project" / template).read_text(encoding="utf-8")
        with atomic_path(folder / name) as unfinished:
            filled = text.replace("{name}", folder.name).replace("{kedro}", kedro_version)
            unfinished.write_text(filled, encoding="utf-8")


def _refuse_others(folder: Path) -> None:
    """Refuse a whole project, and a folder with anything that is not in one; what a killed command left goes."""
    parts = ["conf", "data", *TEXTS]
    for name in parts:
        recover(folder / name)
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if (folder.exists() and not folder.is_dir()) or LAST in found or not found <= set(parts):
        what = "holds files" if folder.is_dir() else "is a file"
        raise PareError(f"{folder} {what}, where a project needs a new or an empty folder; name another one")


def _others_own(folder: str, names: list[str]) -> set[str]:
    """What is in conf/local of a clone, but for its README."""
    return set(names) - {"README.md"} if Path(folder).name == "local" else set()
