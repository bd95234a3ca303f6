"""Time and memory of the mixing step: the loop-free relaxed top-k against the paper's iterative one.

    python benchmarks/selection.py                  # the paper's first epoch, under a minute on two cores
    python benchmarks/selection.py --device cuda

Both variants run ``replace_patches`` forward and backward on the same inputs and differ only in the operator. Each
has a process of its own, so that its peak memory is its own. On a CPU that other processes use as well the many
small steps wait for each other's threads: ``OMP_NUM_THREADS=1`` gives steadier figures there.
"""

import argparse
import multiprocessing
import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from unittest.mock import patch

import torch
from torch import Tensor

from iterative import iterative_top_ks
from pare.mixing import replace_patches
from pare.mixing.selection import relaxed_top_ks

OPERATORS = {"iterative": iterative_top_ks, "loop-free": relaxed_top_ks}


def measure(operator: str, options: argparse.Namespace) -> tuple[float, float]:
    """Median seconds of one mixing step, forward and backward, and its peak memory beyond the inputs in MB."""
    torch.manual_seed(0)
    with patch("pare.mixing.replacement.relaxed_top_ks", OPERATORS[operator]):
        step(random_inputs(options, tokens=2), 1)  # loads what torch loads on first use
        free_like_an_encoder(options)
        inputs = random_inputs(options, options.tokens)
        before = peak_bytes(options.device)
        step(inputs, options.k)
        memory = peak_bytes(options.device) - before
        seconds = statistics.median(step(inputs, options.k) for _ in range(options.repeats))
    return seconds, memory / 2**20


def free_like_an_encoder(options: argparse.Namespace) -> None:
    """Free a tensor of the size of the hidden layer in an encoder's first block, untouched.

    glibc keeps freed memory up to twice the largest block freed so far. A training has freed such tensors; in a
    process without them the memory of the mixed tokens returns to the kernel after every step and comes back page by
    page, which takes nearly as long as the loop-free step itself.
    """
    torch.empty(options.batch, options.tokens, 4 * options.width, device=options.device)


def random_inputs(options: argparse.Namespace, tokens: int) -> tuple[Tensor, ...]:
    """Target and source tokens, their scores, and the gradient of the mixed tokens."""
    shape, device = (options.batch, tokens), options.device
    target, source, gradient = (torch.randn(*shape, options.width, device=device) for _ in range(3))
    target_scores, source_scores = (torch.rand(shape, device=device, requires_grad=True) for _ in range(2))
    # The embedder of the source is frozen: its tokens need no gradient.
    return target.requires_grad_(), source, target_scores, source_scores, gradient


def step(inputs: tuple[Tensor, ...], k: int) -> float:
    """Seconds of one mixing step, forward and backward."""
    target, source, target_scores, source_scores, gradient = inputs
    begin = time.perf_counter()
    mixed, _ = replace_patches(target, source, target_scores, source_scores, k)
    torch.autograd.grad(mixed, (target, target_scores, source_scores), gradient)
    if mixed.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def peak_bytes(device: str) -> int:
    """Highest memory so far, of the GPU's tensors or of this process."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts kilobytes


def main() -> None:
    """Measure both operators and print them side by side."""
    parser = argparse.ArgumentParser(
        description="Time and peak memory of replace_patches, forward and backward, with either operator.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--batch", type=int, default=4, help="samples")
    parser.add_argument("--tokens", type=int, default=3136, help="tokens of a sample")
    parser.add_argument("--width", type=int, default=128, help="width of a token")
    parser.add_argument("--k", type=int, default=3000, help="tokens replaced")
    parser.add_argument("--repeats", type=int, default=25, help="timed steps, of which the median is printed")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    options = parser.parse_args()

    results = {}
    for operator in OPERATORS:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            results[operator] = process.submit(measure, operator, options).result()
    print(
        f"mixing step, batch {options.batch}, {options.tokens} tokens of width {options.width}, k={options.k}, "
        f"{options.device}, {torch.get_num_threads()} threads, torch {torch.__version__}, median of {options.repeats}"
    )
    for operator, (seconds, memory) in results.items():
        print(f"{operator:>10}  {1000 * seconds:9.1f} ms  {memory:8.0f} MB")
    (slow, much), (fast, little) = results.values()
    print(f"{'ratio':>10}  {slow / fast:9.0f} x   {much / max(little, 1):8.0f} x")


if __name__ == "__main__":
    main()
