"""Simulators that write the publishers' own file layouts, a module an equation; raw/registries.py names them."""
