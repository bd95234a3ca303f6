"""Bringing raw files: downloads, packages, simulations and the user's own files, each with a manifest."""
