"""Simulators that write the publishers' own file layouts."""

from pare.raw.simulators.advection import pdebench_advection_simulation
from pare.raw.simulators.burgers import pdebench_burgers_simulation
from pare.raw.simulators.darcy_flow import darcy_flow_simulation
from pare.raw.simulators.diffusion_reaction_1d import pdebench_diffusion_reaction_1d_simulation
from pare.raw.simulators.diffusion_reaction_2d import pdebench_diffusion_reaction_2d_simulation
from pare.raw.simulators.diffusion_sorption import pdebench_diffusion_sorption_simulation
from pare.raw.simulators.navier_stokes_1d import pdebench_navier_stokes_1d_simulation
from pare.raw.simulators.pdebench_darcy import pdebench_darcy_simulation
from pare.raw.simulators.shallow_water import pdebench_shallow_water_simulation

__all__ = [
    "darcy_flow_simulation",
    "pdebench_advection_simulation",
    "pdebench_burgers_simulation",
    "pdebench_darcy_simulation",
    "pdebench_diffusion_reaction_1d_simulation",
    "pdebench_diffusion_reaction_2d_simulation",
    "pdebench_diffusion_sorption_simulation",
    "pdebench_navier_stokes_1d_simulation",
    "pdebench_shallow_water_simulation",
]
