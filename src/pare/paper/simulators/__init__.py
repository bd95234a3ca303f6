"""Simulators that write the publishers' own file layouts, a module an equation; `pare.data.registries` names them.

Each is an origin, as it is described there, and returns ``{file name: None}``. Those of PDEBench have the options

- ``resolution``: cells along each axis; the publisher's files have 1024 in one dimension, 128 in two.
- ``samples``: trajectories, or fields of Darcy flow; the publisher's files have 10,000, those of shallow water and of
  diffusion-reaction in two dimensions 1,000.
- ``seed``: seed of the initial states, or of the coefficients.
"""
