"""Time and memory of the mixing step: the loop-free relaxed top-k against the paper's iterative one.

    python benchmarks/selection.py                  # the paper's first epoch, under a minute on two cores
    python benchmarks/selection.py --device cuda

Both variants run ``replace_patches`` forward and backward on the same inputs and differ only in the operator. On a
CPU that other processes use as well the many small steps wait for each other's threads: ``OMP_NUM_THREADS=1`` gives
steadier figures there. Options: samples of a batch, tokens of a sample, width of a token, and k tokens replaced.
"""

from argparse import Namespace
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor

from harness import alone, in_turns, options, peak_bytes, show
from iterative import iterative_top_ks
from pare.learners.networks.mixing import replace_patches
from pare.learners.networks.mixing.selection import relaxed_top_ks

OPERATORS = {"loop-free": relaxed_top_ks, "iterative": iterative_top_ks}


def measure(operator: str, asked: Namespace) -> tuple[list[float], float]:
    """Seconds of mixing steps, forward and backward, and their peak memory beyond the inputs in MB."""
    torch.manual_seed(0)
    with patch("pare.learners.networks.mixing.replacement.relaxed_top_ks", OPERATORS[operator]):
        step(random_inputs(asked, tokens=2), 1)  # loads what torch loads on first use
        free_like_an_encoder(asked)
        inputs = random_inputs(asked, asked.tokens)
        before = memory(asked.device)
        step(inputs, asked.k)
        peak = memory(asked.device) - before
        return in_turns({operator: partial(step, inputs, asked.k)}, asked.repeats)[operator], peak / 2**20


def free_like_an_encoder(asked: Namespace) -> None:
    """Free a tensor of the size of the hidden layer in an encoder's first block, untouched.

    glibc keeps freed memory up to twice the largest block freed so far. A training has freed such tensors; in a
    process without them the memory of the mixed tokens returns to the kernel after every step and comes back page by
    page, which takes nearly as long as the loop-free step itself.
    """
    torch.empty(asked.batch, asked.tokens, 4 * asked.width, device=asked.device)


def random_inputs(asked: Namespace, tokens: int) -> tuple[Tensor, ...]:
    """Target and source tokens, their scores, and the gradient of the mixed tokens."""
    shape, device = (asked.batch, tokens), asked.device
    target, source, gradient = (torch.randn(*shape, asked.width, device=device) for _ in range(3))
    target_scores, source_scores = (torch.rand(shape, device=device, requires_grad=True) for _ in range(2))
    # The embedder of the source is frozen: its tokens need no gradient.
    return target.requires_grad_(), source, target_scores, source_scores, gradient


def step(inputs: tuple[Tensor, ...], k: int) -> None:
    """One mixing step, forward and backward."""
    target, source, target_scores, source_scores, gradient = inputs
    mixed, _ = replace_patches(target, source, target_scores, source_scores, k)
    torch.autograd.grad(mixed, (target, target_scores, source_scores), gradient)


def memory(device: str) -> int:
    """Highest memory so far, of the GPU's tensors or of this process."""
    return torch.cuda.max_memory_allocated() if device.startswith("cuda") else peak_bytes()


def main() -> None:
    """Measure each operator in a process of its own."""
    asked = options(__doc__, batch=4, tokens=3136, width=128, k=3000, repeats=25, device="cpu")
    found = {operator: alone(measure, operator, asked) for operator in OPERATORS}
    seconds = {operator: times for operator, (times, _) in found.items()}
    threads = torch.get_num_threads()
    title = (
        f"mixing step, {asked.tokens} tokens, k={asked.k}, {asked.device}, {threads} threads, torch {torch.__version__}"
    )
    show(title, seconds, {operator: f"{peak:8.0f} MB" for operator, (_, peak) in found.items()})


if __name__ == "__main__":
    main()
