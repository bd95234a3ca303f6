"""Every origin of files by the name that configuration uses for it.

An origin is called with a folder and its options, writes each file with `made_file`, and returns
``{file name: URL}``, with None for a file that was computed or that a package ships.
"""

from collections.abc import Callable

from pare.raw.origins.dinov2 import dinov2_onnx
from pare.raw.origins.download import download
from pare.raw.origins.encoders import hub_encoder, package_encoder
from pare.raw.origins.offline_proxies import english_topics, mnist_digits
from pare.raw.origins.openml import openml_dataset, scikit_learn_wdbc
from pare.raw.origins.own_files import own_files
from pare.raw.origins.package_tables import package_table
from pare.raw.simulators import (
    darcy_flow_simulation,
    pdebench_advection_simulation,
    pdebench_burgers_simulation,
    pdebench_darcy_simulation,
    pdebench_diffusion_reaction_1d_simulation,
    pdebench_diffusion_reaction_2d_simulation,
    pdebench_diffusion_sorption_simulation,
    pdebench_navier_stokes_1d_simulation,
    pdebench_shallow_water_simulation,
)

ORIGINS: dict[str, Callable[..., dict[str, str | None]]] = {
    "darcy_flow_simulation": darcy_flow_simulation,
    "dinov2_onnx": dinov2_onnx,
    "download": download,
    "english_topics": english_topics,
    "hub_encoder": hub_encoder,
    "mnist_digits": mnist_digits,
    "openml_dataset": openml_dataset,
    "own_files": own_files,
    "package_encoder": package_encoder,
    "package_table": package_table,
    "pdebench_advection_simulation": pdebench_advection_simulation,
    "pdebench_burgers_simulation": pdebench_burgers_simulation,
    "pdebench_darcy_simulation": pdebench_darcy_simulation,
    "pdebench_diffusion_reaction_1d_simulation": pdebench_diffusion_reaction_1d_simulation,
    "pdebench_diffusion_reaction_2d_simulation": pdebench_diffusion_reaction_2d_simulation,
    "pdebench_diffusion_sorption_simulation": pdebench_diffusion_sorption_simulation,
    "pdebench_navier_stokes_1d_simulation": pdebench_navier_stokes_1d_simulation,
    "pdebench_shallow_water_simulation": pdebench_shallow_water_simulation,
    "scikit_learn_wdbc": scikit_learn_wdbc,
}
