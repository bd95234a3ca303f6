"""Every origin of files by the name that configuration uses for it.

An origin is called with a folder and its options, writes each file with `made_file`, and returns
``{file name: URL}``, with None for a file that was computed or that a package ships.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name

from pare.config.errors import unknown_name


@dataclass(frozen=True)
class Origin:
    """Where the function of an origin is, and what it needs.

    Named and not imported: a command that only asks for the network would else import every solver, h5py and pandas.

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
    "dinov2_onnx": Origin("raw.origins.dinov2:dinov2_onnx"),
    "download": Origin("raw.origins.download:download", needs_network=True),
    "english_topics": Origin("raw.origins.offline_proxies:english_topics"),
    "hub_encoder": Origin("raw.origins.encoders:hub_encoder", needs_network=True),
    "mnist_digits": Origin("raw.origins.offline_proxies:mnist_digits"),
    "openml_dataset": Origin("raw.origins.openml:openml_dataset", needs_network=True),
    "own_files": Origin("raw.origins.own_files:own_files"),
    "package_encoder": Origin("raw.origins.encoders:package_encoder"),
    "package_files": Origin("raw.origins.package_files:package_files"),
    "package_table": Origin("raw.origins.package_tables:package_table"),
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
    "scikit_learn_wdbc": Origin("raw.origins.openml:scikit_learn_wdbc"),
}


def find_origin(name: str) -> Origin:
    """The origin of that name.

    Raises:
        PareError: if there is none.
    """
    if name not in ORIGINS:
        raise unknown_name("origin", name, ORIGINS, "pare.raw.origins.registry")
    return ORIGINS[name]
