"""Readers and origins of raw files by the name that configuration uses, and the check of their options.

A reader is called with the folder of the raw files and its options, and returns `Samples` by part: ``train``,
``test`` and perhaps ``validation``, or ``all`` where the publisher divides nothing. An origin is called with a folder
and its options, writes each file with `made_file`, and returns ``{file name: URL}``, with None for a file that was
computed or that a package ships. Both are named by ``module:function`` below ``pare`` and imported when they are used.
"""

import inspect
from collections.abc import Callable
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
READERS = {
    "arrays": "data.own.arrays:arrays",
    "audio_folder": "data.own.media_folders:audio_folder",
    "cifar100_python": "paper.readers.images:cifar100_python",
    "cosmic_rays": "paper.readers.sky:cosmic_rays",
    "darcy_mat": "paper.readers.darcy:darcy_mat",
    "deepsea_npz": "paper.readers.sequences:deepsea_npz",
    "ecg_challenge2017": "paper.readers.sequences:ecg_challenge2017",
    "fsd50k_chunks": "paper.readers.audio:fsd50k_chunks",
    "image_folder": "data.own.media_folders:image_folder",
    "minidomainnet": "paper.readers.domainnet:minidomainnet",
    "ninapro_npy": "paper.readers.sequences:ninapro_npy",
    "pdebench_grouped": "paper.readers.pdebench:pdebench_grouped",
    "pdebench_stacked": "paper.readers.pdebench:pdebench_stacked",
    "protein_distances": "paper.readers.proteins:protein_distances",
    "satellite_npy": "paper.readers.sequences:satellite_npy",
    "series_folder": "data.own.series_files:series_folder",
    "series_rows": "data.own.series_tables:series_rows",
    "series_table": "data.own.series_tables:series_table",
    "spherical_cifar100": "paper.readers.images:spherical_cifar100",
    "table": "data.own.table:table",
    "ts": "data.own.series_files:ts",
}


def find_reader(name: str) -> Any:
    """The reader of that name, imported.

    Raises:
        PareError: if there is none.
    """
    if name not in READERS:
        raise unknown_name("reader", name, READERS, "the task's YAML")
    return resolve_name(f"pare.{READERS[name]}")


def open_raw_files(reader: ReaderConfig, folder: Path) -> "dict[str, Samples]":
    """The raw files of a task as its reader gives them, by part.

    Raises:
        PareError: if the reader or an option is unknown, or the files are not what the reader expects.
    """
    read: Callable[[Path], dict[str, Samples]]
    read = bind_options("reader", reader.name, find_reader(reader.name), reader.options)
    return read(folder)


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


ORIGINS = {
    "darcy_flow_simulation": Origin("paper.simulators.darcy_flow:darcy_flow_simulation"),
    "dinov2_onnx": Origin("data.origins.encoders:dinov2_onnx"),
    "download": Origin("data.origins.download:download", needs_network=True),
    "english_topics": Origin("data.origins.package_files:english_topics"),
    "hub_encoder": Origin("data.origins.encoders:hub_encoder", needs_network=True),
    "mnist_digits": Origin("data.origins.package_files:mnist_digits"),
    "openml_dataset": Origin("data.origins.openml:openml_dataset", needs_network=True),
    "own_files": Origin("data.origins.own_files:own_files"),
    "package_encoder": Origin("data.origins.encoders:package_encoder"),
    "package_files": Origin("data.origins.package_files:package_files"),
    "package_table": Origin("data.origins.openml:package_table"),
    "pdebench_advection_simulation": Origin("paper.simulators.advection:pdebench_advection_simulation"),
    "pdebench_burgers_simulation": Origin("paper.simulators.burgers:pdebench_burgers_simulation"),
    "pdebench_darcy_simulation": Origin("paper.simulators.pdebench_darcy:pdebench_darcy_simulation"),
    "pdebench_diffusion_reaction_1d_simulation": Origin(
        "paper.simulators.diffusion_reaction_1d:pdebench_diffusion_reaction_1d_simulation"
    ),
    "pdebench_diffusion_reaction_2d_simulation": Origin(
        "paper.simulators.diffusion_reaction_2d:pdebench_diffusion_reaction_2d_simulation"
    ),
    "pdebench_diffusion_sorption_simulation": Origin(
        "paper.simulators.diffusion_sorption:pdebench_diffusion_sorption_simulation"
    ),
    "pdebench_navier_stokes_1d_simulation": Origin(
        "paper.simulators.navier_stokes_1d:pdebench_navier_stokes_1d_simulation"
    ),
    "pdebench_shallow_water_simulation": Origin("paper.simulators.shallow_water:pdebench_shallow_water_simulation"),
    "scikit_learn_wdbc": Origin("data.origins.openml:scikit_learn_wdbc"),
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

    try:
        validated = validate_call(arguments)(Path(), **options)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PareError(
            f"options of {kind} {name!r} do not fit: {wrong}. Valid options: {_describe(function) or 'none'}"
        ) from error
    return partial(function, **validated)


def _describe(function: Callable[..., Any]) -> str:
    """Options as a user would write them: ``stride (5), target``."""
    _, *parameters = inspect.signature(function).parameters.values()
    return ", ".join(p.name if p.default is p.empty else f"{p.name} ({p.default!r})" for p in parameters)
