"""Random changes of training images and series, drawn anew for every sample and epoch.

Shapes: ``batch`` images of ``channels`` planes, ``height`` × ``width`` points; or ``batch`` series of ``channels``
and ``steps``. Random numbers are drawn on the device of the samples, so other devices make other changes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pare.config.errors import PareError, unknown_name
from pare.learners.networks.draws import Draws

JITTER = 0.05  # noise in spreads of a channel, as Um et al. (2017) for sensors on the body


def crop(x: Tensor, draws: Draws) -> Tensor:
    """Shift each image by up to an eighth of its edge, zeros moving in (4 of 32 points on CIFAR, paper's loader).

    Args:
        x: ``(batch, channels, height, width)``.
        draws: draw the shifts.
    """
    height, width = x.shape[-2:]
    reach = (height // 8, width // 8)
    padded = F.pad(x, (reach[1], reach[1], reach[0], reach[0]))
    top, left = (draws(partial(torch.randint, 2 * r + 1)) for r in reach)
    rows = top[:, None] + torch.arange(height, device=x.device)
    columns = left[:, None] + torch.arange(width, device=x.device)
    samples = torch.arange(len(x), device=x.device)[:, None, None]
    return padded[samples, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def flip(x: Tensor, draws: Draws) -> Tensor:
    """Mirror half of the images left to right, ``(batch, channels, height, width)``."""
    mirrored = draws(torch.rand) < 0.5
    return torch.where(mirrored[:, None, None, None], x.flip(-1), x)


def spectrogram(x: Tensor, draws: Draws) -> Tensor:
    """Blank one or two bands of frequency (up to 15 %) and of time (up to 20 %) in half of the spectrograms.

    A blank holds the sample's minimum (SpecAugment as FSD50K's baseline uses it).

    Args:
        x: ``(batch, 1, frequencies, frames)``.
        draws: draw samples and bands.
    """
    blank = torch.zeros(len(x), 1, *x.shape[-2:], dtype=torch.bool, device=x.device)
    chosen = draws(torch.rand) < 0.5
    for axis, share in ((2, 0.15), (3, 0.2)):
        points = torch.arange(x.shape[axis], device=x.device)
        for mask in range(2):
            present = chosen & ((mask == 0) | (draws(torch.rand) < 0.5))
            length = draws(torch.rand) * share * len(points)
            start = draws(torch.rand) * (len(points) - length)
            band = (points >= start[:, None]) & (points < (start + length)[:, None]) & present[:, None]
            blank |= band[:, None, :, None] if axis == 2 else band[:, None, None, :]
    return torch.where(blank, x.amin((1, 2, 3), keepdim=True), x)


def jitter(x: Tensor, draws: Draws) -> Tensor:
    """Add noise of a twentieth of each channel's spread over the batch, ``(batch, channels, steps)``."""
    noise = draws(torch.randn, *x.shape[1:]).to(x)
    return x + JITTER * x.std((0, 2), correction=0, keepdim=True) * noise


class Augmentation(NamedTuple):
    """A random change, and the kind of data that it suits: ``image`` or ``series``."""

    change: Callable[[Tensor, Draws], Tensor]
    kind: str


AUGMENTATIONS = {
    "crop": Augmentation(crop, "image"),
    "flip": Augmentation(flip, "image"),
    "spectrogram": Augmentation(spectrogram, "image"),
    "jitter": Augmentation(jitter, "series"),
}


def check_augmentation(names: Sequence[str], kind: str) -> None:
    """Refuse a change that does not exist or does not suit the data, before any file is brought.

    Args:
        names: names of the changes.
        kind: kind of the task's data.

    Raises:
        PareError: naming the nearest one that exists, or those that suit.
    """
    for name in names:
        if name not in AUGMENTATIONS:
            raise unknown_name(
                "training.augmentation",
                name,
                AUGMENTATIONS,
                "pare.learners.networks.training.augmentation.AUGMENTATIONS",
            )
        if AUGMENTATIONS[name].kind != kind:
            suit = ", ".join(other for other, augmentation in AUGMENTATIONS.items() if augmentation.kind == kind)
            raise PareError(
                f"training.augmentation '{name}' changes data of kind {AUGMENTATIONS[name].kind}, this task's is "
                f"{kind}; take some of [{suit}]"
            )


def augment(x: Tensor, names: Sequence[str], draws: Draws) -> Tensor:
    """The named changes one after another, ``(batch, channels, height, width)`` or ``(batch, channels, steps)``."""
    for name in names:
        x = AUGMENTATIONS[name].change(x, draws)
    return x
