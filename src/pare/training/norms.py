"""Batch norms that stop following their batches."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pare.config.errors import PareError
from pare.config.hyperparameters import MixingConfig


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


def require_plain_steps(model: nn.Module, mixing: MixingConfig, tokens: Sequence[int]) -> None:
    """Refuse a training in which batch norms would never see what is predicted later.

    Args:
        model: that is trained.
        mixing: how tokens are mixed.
        tokens: how many are replaced in each epoch before batch norms are fixed.

    Raises:
        PareError: where the model has batch norms and all rows of these epochs are mixed.
    """
    if _batch_norms(model) and mixing.passes == mixing.batches == 1 and tokens and all(tokens):
        raise PareError(
            f"batch norms gather statistics of plain rows in {len(tokens)} epochs before they are fixed, but all rows "
            f"are mixed there: mixing.passes=1, mixing.curriculum={mixing.curriculum}; set mixing.batches=0.5 or "
            "mixing.passes=2, or mixing.curriculum=early with training.fixed_norms=0.6"
        )


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [module for module in model.modules() if isinstance(module, _BatchNorm)]
