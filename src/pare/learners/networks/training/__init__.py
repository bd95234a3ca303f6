"""Fitting a network to a task: objective, source batches, loop, checkpoint."""

from pare.learners.networks.training.fit import fit

__all__ = ["fit"]
