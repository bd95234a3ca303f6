"""Time of attention, forward and backward: torch's fused one against two products and a softmax, as in transformers.

    OMP_NUM_THREADS=1 python benchmarks/attention.py      # half a minute; --device cuda

Twelve heads of 32, as MiniLM has them.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional as F

from harness import in_turns, options, show

BATCH, HEADS, WIDTH = 8, 12, 32


def eager(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """``(batch, heads, tokens, width)`` of each to the same, by separate operations."""
    return (query @ key.transpose(-1, -2) * WIDTH**-0.5).softmax(-1) @ value


def step(attention: Callable[..., torch.Tensor], parts: list[torch.Tensor]) -> None:
    """Forward and backward."""
    attention(*parts).float().sum().backward()


def main() -> None:
    """Compare both for a few numbers of tokens and both precisions."""
    asked = options(__doc__, device="cpu", repeats=50)
    for tokens in (8, 16, 64, 196):
        for dtype in (torch.float32, torch.bfloat16):
            like = {"device": asked.device, "dtype": dtype, "requires_grad": True}
            parts = [torch.randn(BATCH, HEADS, tokens, WIDTH, **like) for _ in range(3)]
            ways = {"eager": partial(step, eager, parts), "fused": partial(step, F.scaled_dot_product_attention, parts)}
            show(f"{tokens} tokens, {dtype}", in_turns(ways, asked.repeats))


if __name__ == "__main__":
    main()
