"""Time of the dataset distance and its gradient: classes compared exactly or as normal distributions.

    python benchmarks/otdd.py                                       # under a minute on two cores
    python benchmarks/otdd.py --samples 512 2048 --device cuda

Two datasets of as many classes and samples, drawn at random, with the spread of a text encoder's averaged tokens.
"""

from functools import partial

import torch

from harness import in_turns, options, show
from pare.learners.networks.alignment import otdd

SPREAD = 0.012  # per feature: squared distances of 0.1 in the mean at width 384


def distance(kind: str, x: torch.Tensor, y: torch.Tensor, labels: torch.Tensor, regularisation: float) -> None:
    """The distance and its gradient."""
    found = otdd(x, labels, y, labels, classes=kind, regularisation=regularisation)
    torch.autograd.grad(found, y)


def main() -> None:
    """Compare both for all numbers of classes and samples."""
    default = {"classes": [2, 10, 20], "samples": [128, 512], "width": 384, "regularisation": 0.05}
    asked = options(__doc__, **default, repeats=3, device="cpu")
    generator = torch.Generator().manual_seed(0)
    for classes in asked.classes:
        for samples in asked.samples:
            x, y = (SPREAD * torch.randn(2, samples, asked.width, generator=generator)).to(asked.device)
            y = (y + SPREAD / 2).requires_grad_()
            labels = (torch.arange(samples) % classes).to(asked.device)
            kinds = ("exact", "gaussian")
            ways = {kind: partial(distance, kind, x, y, labels, asked.regularisation) for kind in kinds}
            show(f"{classes} classes, {samples} samples, {asked.device}", in_turns(ways, asked.repeats))


if __name__ == "__main__":
    main()
