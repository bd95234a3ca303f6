"""Time of the dataset distance and its gradient: classes compared exactly or as normal distributions.

    python benchmarks/otdd.py                                       # under a minute on two cores
    python benchmarks/otdd.py --samples 512 2048 --device cuda

Two datasets of as many classes and samples, drawn at random, with the spread of a text encoder's averaged tokens.
"""

import argparse
import statistics
import time

import torch

from pare.alignment import otdd

SPREAD = 0.012  # per feature: squared distances of 0.1 in the mean at width 384


def measure(kind: str, classes: int, samples: int, options: argparse.Namespace) -> float:
    """Median seconds of the distance and its gradient."""
    generator = torch.Generator().manual_seed(0)
    x, y = ((SPREAD * torch.randn(samples, options.width, generator=generator)).to(options.device) for _ in range(2))
    labels = (torch.arange(samples) % classes).to(options.device)
    y = (y + SPREAD / 2).requires_grad_()
    seconds = []
    for _ in range(options.repeats):
        begin = time.perf_counter()
        distance = otdd(x, labels, y, labels, classes=kind, regularisation=options.regularisation)
        torch.autograd.grad(distance, y)
        if y.is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def main() -> None:
    """Measure both kinds for all sizes and print a table."""
    parser = argparse.ArgumentParser(
        description="Seconds of the OTDD and its gradient.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--classes", type=int, nargs="+", default=[2, 10, 20], help="classes of either dataset")
    parser.add_argument("--samples", type=int, nargs="+", default=[128, 512], help="samples of either dataset")
    parser.add_argument("--width", type=int, default=384, help="width of a feature")
    parser.add_argument("--regularisation", type=float, default=0.05, help="weight of the entropy")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs, of which the median is printed")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    options = parser.parse_args()
    print(
        f"width {options.width}, regularisation {options.regularisation}, {options.device}, torch {torch.__version__}"
    )
    print(f"{'classes':>8}{'samples':>9}{'exact s':>10}{'gaussian s':>12}")
    for classes in options.classes:
        for samples in options.samples:
            exact, gaussian = (measure(kind, classes, samples, options) for kind in ("exact", "gaussian"))
            print(f"{classes:>8}{samples:>9}{exact:>10.3f}{gaussian:>12.3f}", flush=True)


if __name__ == "__main__":
    main()
