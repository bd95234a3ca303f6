"""Fitting a network to a task: objective, source batches, loop, checkpoint."""

from pare.learners.networks.training.fit import fit
from pare.learners.networks.training.parts import Parts
from pare.learners.networks.training.proxy_mixing import ProxyMixing

__all__ = ["Parts", "ProxyMixing", "fit"]
