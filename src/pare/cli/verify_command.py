"""`kedro tasks verify`: whether what is stored is still what was written."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from rich.progress import track

from pare.cli.common import screen
from pare.config import PareError
from pare.config.run import FILES, MEMBERS
from pare.config_loader import RunConfigLoader, load_library
from pare.data.origins.manifest import RawFolder
from pare.storage.checksums import CHECKSUMS, check_checksums, check_digests, check_seal, read_sealed

SOURCES = ("encoders", "proxies")  # which all tasks share


@dataclass(frozen=True)
class Kind:
    """A kind of what is stored.

    Attributes:
        name: what it is called.
        pattern: its files below ``data``.
        check: raises `PareError` where a file, or what it lists, is not what was written.
        advice: what to do then.
    """

    name: str
    pattern: str
    check: Callable[[Path], None]
    advice: str


def _check_raw(path: Path) -> None:
    RawFolder.open(path.parent).check()


def _check_model(path: Path) -> None:
    check_digests(path.parent, read_sealed(path)[FILES])


def _check_folder(path: Path) -> None:
    check_checksums(path.parent)


KINDS = (
    Kind("raw files", "01_raw/**/manifest.json", _check_raw, ""),  # the message has advice
    Kind("model input", "05_model_input/*.h5", check_seal, "delete it; the next run prepares it again"),
    Kind("model", "06_models/**/record.json", _check_model, "delete its folder and train again"),
    Kind("checkpoint", f"06_models/**/{CHECKSUMS}", _check_folder, "delete its folder; training begins again"),
    Kind("held-out predictions", "06_models/**/*.h5", check_seal, "delete it; the choice predicts again"),
    Kind("predictions", "07_model_output/**/*.h5", check_seal, "delete it; `kedro run --pipelines=evaluate` predicts"),
)


@click.command()
@click.argument("name", required=False)
@click.pass_obj
def verify(loader: RunConfigLoader, name: str | None) -> None:
    """Compare all that is stored, or that of task NAME, with its checksums; exit code 1 where something is damaged."""
    data = Path(loader.conf_source).parent / "data"
    places = [(kind, path) for kind in KINDS for path in _stored(data, kind, name)]
    if name and all(path.relative_to(data).parts[1] in SOURCES for _, path in places):
        load_library(loader).task(name)  # which refuses a name that neither a task nor a stored file has
    damaged = 0
    for kind, path in track(places, "comparing", transient=True, disable=not screen().is_terminal):
        try:
            kind.check(path)
        except (PareError, OSError, KeyError) as error:
            click.echo(f"{kind.name}: {error}{kind.advice and '; '}{kind.advice}")
            damaged += 1
    if damaged:
        raise PareError(f"{damaged} of {len(places)} are damaged, see above")
    counts = {kind.name: sum(one is kind for one, _ in places) for kind in KINDS}
    found = ", ".join(f"{count} {title}" for title, count in counts.items() if count)
    click.echo(f"All are what was written: {found}." if found else "Nothing is stored yet.")


def _stored(data: Path, kind: Kind, task: str | None) -> Iterator[Path]:
    """Files of a kind, of one task or of all; those in a member of an ensemble count as the ensemble's.

    Folders whose names begin with a dot hold what a run is writing, or was when it was killed.
    """
    for path in sorted(data.glob(kind.pattern)):
        folders = path.relative_to(data).parts[1:]
        mine = task is None or folders[0] in SOURCES or re.fullmatch(rf"{re.escape(task)}(-.*)?(\.h5)?", folders[0])
        unfinished = any(part.startswith(".") for part in folders)
        if mine and MEMBERS not in folders and not unfinished:
            yield path
