"""Simulators that write the publishers' own file layouts."""

from pare.raw.simulators.darcy_flow import darcy_flow_simulation

__all__ = ["darcy_flow_simulation"]
