"""Batch norms that stop following their batches."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def fix_batch_norms(model: nn.Module) -> None:
    """Let all batch norms use the statistics that they have gathered, until the model is set to training again.

    Their scales and offsets are still learnt. The statistics of small batches are noisy.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
