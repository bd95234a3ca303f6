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
def unnoticed_by_batch_norms(model: nn.Module) -> Iterator[None]:
    """Batch norms gather no statistics from what passes meanwhile.

    What passes is normalised as in training: by the statistics of its own batch, or by those that were fixed.
    """
    following = [norm for norm in _batch_norms(model) if norm.training and norm.track_running_stats]
    try:
        for norm in following:
            norm.track_running_stats = False
        yield
    finally:
        for norm in following:
            norm.track_running_stats = True


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]
