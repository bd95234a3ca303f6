"""Time of attention, forward and backward: torch's fused one against two products and a softmax, as in transformers.

    OMP_NUM_THREADS=1 python benchmarks/attention.py      # half a minute
    python benchmarks/attention.py --device cuda

The two take turns, so that a busy machine slows both alike. Twelve heads of 32, as MiniLM.
"""

import argparse
import statistics
import time

import torch
from torch.nn import functional as F

BATCH, HEADS, WIDTH = 8, 12, 32


def fused(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """``(batch, heads, tokens, width)`` of each to the same."""
    return F.scaled_dot_product_attention(query, key, value)


def eager(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """The same by separate operations."""
    return (query @ key.transpose(-1, -2) * WIDTH**-0.5).softmax(-1) @ value


def main() -> None:
    """Median milliseconds of each, for a few numbers of tokens and both precisions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args()
    print("tokens  precision   fused ms  eager ms  fused / eager")
    for tokens in (8, 16, 64, 196):
        for dtype in (torch.float32, torch.bfloat16):
            parts = [
                torch.randn(BATCH, HEADS, tokens, WIDTH, device=options.device, dtype=dtype, requires_grad=True)
                for _ in range(3)
            ]
            seconds: dict[str, list[float]] = {"fused": [], "eager": []}
            for _ in range(options.repeats):
                for name, attention in (("fused", fused), ("eager", eager)):
                    started = time.perf_counter()
                    attention(*parts).float().sum().backward()
                    float(parts[0].grad[0, 0, 0, 0])  # reading one number waits for the device
                    seconds[name].append(time.perf_counter() - started)
            first, second = (1000 * statistics.median(seconds[name]) for name in ("fused", "eager"))
            print(f"{tokens:6d}  {str(dtype)[6:]:9s}  {first:9.2f} {second:9.2f}  {first / second:13.2f}")


if __name__ == "__main__":
    main()
