"""Batch norms that stop following their batches."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def fix_batch_norms(model: nn.Module) -> None:
    """Let all batch norms use the statistics that they have gathered, until the model is set to training again.

    Their scales and offsets are still learnt. The statistics of small batches are noisy.
    """
    for norm in _batch_norms(model):
        norm.eval()


@contextmanager
def fixed_batch_norms(model: nn.Module) -> Iterator[None]:
    """Batch norms use the statistics that they have gathered, and gather nothing from what passes meanwhile."""
    following = [norm for norm in _batch_norms(model) if norm.training]
    try:
        for norm in following:
            norm.eval()
        yield
    finally:
        for norm in following:
            norm.train()


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]
