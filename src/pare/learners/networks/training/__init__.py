"""Fitting a network to a task: objective, source batches, loop, checkpoint."""

from pare.learners.networks.training.fit import fit
from pare.learners.networks.training.proxy_mixing import ProxyMixing
from pare.learners.networks.training.setup import Parts

__all__ = ["Parts", "ProxyMixing", "fit"]
