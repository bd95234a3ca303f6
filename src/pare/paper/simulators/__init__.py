"""Simulators that write the publishers' own file layouts, a module an equation; origins/registry.py names them."""
