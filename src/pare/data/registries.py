"""Formats and origins of raw files by the name that configuration uses, and the check of their options.

A format of a user's own files is a class, see `pare.data.own.format`. That of a publisher's is a function: it is
called with the folder of the raw files and its options, and returns `Samples` by part: ``train``, ``test`` and perhaps
``validation``, or ``all`` where the publisher divides nothing. An origin is called with a folder and its options,
writes each file with `made_file`, and returns ``{file name: URL}``, with None for a file that was computed or that a
package ships. It raises `PareError` where the folder cannot be written, or a file of that name in it was not made
there. All are named by ``module:name`` below ``pare`` and imported when they are used.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError, validate_call

from pare.config.errors import PareError, unknown_name
from pare.config.schema import ReaderConfig

if TYPE_CHECKING:
    from pare.storage.samples import Samples

T = TypeVar("T")
FORMATS = {
    # A user's own data
    "table": "data.own.table:Table",
    "series_rows": "data.own.series_rows:SeriesRows",
    "series_table": "data.own.series_table:SeriesTable",
    "series_folder": "data.own.series_folder:SeriesFolder",
    "ts": "data.own.ts:Ts",
    "arrays": "data.own.arrays:Arrays",
    "pdebench_grouped": "data.own.grouped:Grouped",
    "image_folder": "data.own.image_folder:ImageFolder",
    "audio_folder": "data.own.audio_folder:AudioFolder",
    # Publishers' files, which are only read
    "cifar100_python": "paper.readers.images:cifar100_python",
    "cosmic_rays": "paper.readers.sky:cosmic_rays",
    "darcy_mat": "paper.readers.darcy:darcy_mat",
    "deepsea_npz": "paper.readers.sequences:deepsea_npz",
    "ecg_challenge2017": "paper.readers.sequences:ecg_challenge2017",
    "fsd50k_chunks": "paper.readers.audio:fsd50k_chunks",
    "minidomainnet": "paper.readers.domainnet:minidomainnet",
    "ninapro_npy": "paper.readers.sequences:ninapro_npy",
    "pdebench_stacked": "paper.readers.pdebench:pdebench_stacked",
    "protein_distances": "paper.readers.proteins:protein_distances",
    "satellite_npy": "paper.readers.sequences:satellite_npy",
    "spherical_cifar100": "paper.readers.images:spherical_cifar100",
}


@dataclass(frozen=True)
class Published:
    """A publisher's files, which can only be read: ``read(folder)`` gives `Samples` by part."""

    read: "Callable[[Path], dict[str, Samples]]"

    def needed(self, known: object) -> list[str]:
        """No table of new rows is read."""
        return []


def find_format(name: str) -> Any:
    """The format of that name, imported: a class of `pare.data.own`, or the function that reads a publisher's files.

    Raises:
        PareError: if there is none.
    """
    if name not in FORMATS:
        raise unknown_name("reader", name, FORMATS, "the task's YAML")
    return resolve_name(f"pare.{FORMATS[name]}")


def own_formats() -> list[Any]:
    """The formats of a user's own files, imported: subclasses of `pare.data.own.format.Format`."""
    return [find_format(name) for name, path in FORMATS.items() if path.startswith("data.own.")]


def open_format(reader: ReaderConfig) -> Any:
    """The format of a task with its options: an instance of `pare.data.own.format.Format`, or `Published`.

    Raises:
        PareError: if the reader or an option is unknown, or an option has another type.
    """
    found = find_format(reader.name)
    if not isinstance(found, type):
        return Published(bind_options("reader", reader.name, found, reader.options))
    try:
        return found(**reader.options)
    except ValidationError as error:
        raise _unfit("reader", reader.name, inspect.signature(found).parameters.values(), error) from error


def open_raw_files(reader: ReaderConfig, folder: Path) -> "dict[str, Samples]":
    """The raw files of a task as its reader gives them, by part.

    Raises:
        PareError: if the reader or an option is unknown, or the files are not what the reader expects.
    """
    parts: dict[str, Samples] = open_format(reader).read(folder)
    return parts


@dataclass(frozen=True)
class Origin:
    """Where the function of an origin is, and what it needs.

    Attributes:
        path: ``module:function`` below ``pare``.
        needs_network: whether it brings files from the internet, not from a package, a computation or this machine.
    """

    path: str
    needs_network: bool = False

    def load(self) -> Callable[..., dict[str, str | None]]:
        """Import the function."""
        function: Callable[..., dict[str, str | None]] = resolve_name(f"pare.{self.path}")
        return function


NEED_NETWORK = ("download", "hub_encoder", "openml_dataset")
ORIGINS = {
    name: Origin(f"{module}:{name}", needs_network=name in NEED_NETWORK)
    for module, names in {
        "data.origins.download": ["download"],
        "data.origins.encoders": ["dinov2_onnx", "hub_encoder", "package_encoder"],
        "data.origins.openml": ["openml_dataset", "package_table", "scikit_learn_wdbc"],
        "data.origins.own_files": ["own_files"],
        "data.origins.package_files": ["english_topics", "mnist_digits", "package_files"],
        "paper.simulators.advection": ["pdebench_advection_simulation"],
        "paper.simulators.burgers": ["pdebench_burgers_simulation"],
        "paper.simulators.darcy_flow": ["darcy_flow_simulation"],
        "paper.simulators.diffusion_reaction_1d": ["pdebench_diffusion_reaction_1d_simulation"],
        "paper.simulators.diffusion_reaction_2d": ["pdebench_diffusion_reaction_2d_simulation"],
        "paper.simulators.diffusion_sorption": ["pdebench_diffusion_sorption_simulation"],
        "paper.simulators.navier_stokes_1d": ["pdebench_navier_stokes_1d_simulation"],
        "paper.simulators.pdebench_darcy": ["pdebench_darcy_simulation"],
        "paper.simulators.shallow_water": ["pdebench_shallow_water_simulation"],
    }.items()
    for name in names
}


def find_origin(name: str) -> Origin:
    """The origin of that name.

    Raises:
        PareError: if there is none.
    """
    if name not in ORIGINS:
        raise unknown_name("origin", name, ORIGINS, "pare.data.registries")
    return ORIGINS[name]


def bind_options(kind: str, name: str, function: Callable[..., T], options: dict[str, Any]) -> Callable[[Path], T]:
    """Check options by the function's signature and types, and bind them.

    Args:
        kind: what the function is to the user, e.g. ``origin``.
        name: its name in the configuration.
        function: takes a folder, then the options.
        options: keyword arguments as YAML gives them.

    Returns:
        The function, waiting for the folder only.

    Raises:
        PareError: naming each unknown, missing or mistyped option, and the valid ones.
    """

    @wraps(function)
    def arguments(folder: Path, **validated: Any) -> dict[str, Any]:
        return validated

    _, *parameters = inspect.signature(function).parameters.values()
    try:
        validated = validate_call(arguments)(Path(), **options)
    except ValidationError as error:
        raise _unfit(kind, name, parameters, error) from error
    return partial(function, **validated)


def _unfit(kind: str, name: str, options: Iterable[inspect.Parameter], error: ValidationError) -> PareError:
    """What is wrong, and the options as a user would write them: ``stride (5), target``."""
    wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    valid = ", ".join(o.name if o.default is o.empty else f"{o.name} ({o.default!r})" for o in options)
    return PareError(f"options of {kind} {name!r} do not fit: {wrong}. Valid options: {valid or 'none'}")
