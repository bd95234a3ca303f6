"""Time of a training step with mixing against two plain passes at the same size, which is the least it can cost.

    OMP_NUM_THREADS=1 python benchmarks/step.py     # darcy_flow through an encoder of MiniLM's size, about two minutes
    python benchmarks/step.py --device cuda --precision bf16

A step is the forward pass of the objective and its backward pass. Target and mixed tokens pass the encoder once,
concatenated, so a step with mixing should cost two plain ones and little more: the gate, the selection, the
replacement and the second predictor. The two kinds take turns, so that a busy machine slows both alike.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import BertConfig, logging

from pare.config.hyperparameters import MixingConfig, TrainingConfig
from pare.config.schema import Task
from pare.models import build_model, load_backbone
from pare.training.losses import build_loss
from pare.training.objective import Objective

DARCY_FLOW = {
    "title": "Darcy flow",
    "suite": "NAS-Bench-360",
    "raw": {"origin": "random", "origins": {"random": {"licence": "none"}}},
    "reader": {"name": "none"},
    "samples": {"train": 1, "test": 1},
    "input": {"shape": [3, 85, 85]},
    "output": {"kind": "dense", "shape": [1, 85, 85]},
    "tokens": {"kind": "patch", "patch": 9},
    "loss": "relative_l2",
    "metric": "relative_l2",
    "source": "minilm",
}
TOPICS = 19  # of the sentences that serve as the proxy


def build_objective(task: Task, layers: int, width: int, mixing: MixingConfig | None) -> Objective:
    """The objective around an encoder of random weights; the same weights whether or not it mixes."""
    torch.manual_seed(0)
    encoder = BertConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=width // 32, intermediate_size=4 * width
    )
    with tempfile.TemporaryDirectory() as folder:
        encoder.save_pretrained(folder)
        backbone = load_backbone(Path(folder), task.grid, "random")
    training = TrainingConfig(epochs=1, batch_size=1, learning_rate=1e-3)
    return Objective(build_model(task, backbone, TOPICS), build_loss(task.loss, task.output.kind), training, mixing)


def build_steps(options: argparse.Namespace) -> tuple[Callable[[], None], Callable[[], None]]:
    """A step with mixing, and one without, on the same random batch."""
    task = Task.model_validate(DARCY_FLOW | {"tokens": {"kind": "patch", "patch": options.patch}})
    tokens = task.grid[0] * task.grid[1]
    mixing = MixingConfig(start=options.share)
    plain, mixed = (build_objective(task, options.layers, options.width, m).to(options.device) for m in (None, mixing))
    x = torch.randn(options.batch, *task.input.shape, device=options.device)
    y = torch.randn(options.batch, *task.output.shape, device=options.device)
    words = torch.randint(1000, 30000, (options.batch, tokens), device=options.device)
    topics = torch.randint(TOPICS, (options.batch,), device=options.device)
    noise = torch.Generator().manual_seed(0)
    k = round(options.share * tokens)

    def step(objective: Objective, *source: torch.Tensor, k: int = 0) -> None:
        objective.zero_grad()
        with torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bf16"):
            total = objective(x, y, *source, k=k, generator=noise).total
        total.backward()
        if options.device == "cuda":
            torch.cuda.synchronize()

    return lambda: step(mixed, words, topics, k=k), lambda: step(plain)


def seconds(step: Callable[[], None]) -> float:
    """Time of one call."""
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def main() -> None:
    """Measure both kinds of steps in turns and print the ratio."""
    parser = argparse.ArgumentParser(
        description="Time of a training step with mixing over that of two plain steps.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--batch", type=int, default=16, help="samples")
    parser.add_argument("--patch", type=int, default=9, help="edge of a patch; 9 makes 100 tokens of 85×85 points")
    parser.add_argument("--share", type=float, default=0.5, help="share of tokens replaced")
    parser.add_argument("--layers", type=int, default=6, help="layers of the encoder")
    parser.add_argument("--width", type=int, default=384, help="width of a token, a multiple of 32")
    parser.add_argument("--repeats", type=int, default=15, help="rounds, of which the median is printed")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="float32", choices=["float32", "bf16"])
    options = parser.parse_args()

    logging.set_verbosity_error()
    mixed, plain = build_steps(options)
    for warm_up in (mixed, plain):
        warm_up()
    rounds = [(seconds(plain), seconds(mixed), seconds(plain)) for _ in range(options.repeats)]
    two_plain = [before + after for before, _, after in rounds]
    with_mixing = [middle for _, middle, _ in rounds]
    ratios = [m / p for m, p in zip(with_mixing, two_plain, strict=True)]
    print(
        f"training step, batch {options.batch}, patches of {options.patch}, {options.layers} layers of width "
        f"{options.width}, share {options.share}, {options.device} {options.precision}, {torch.get_num_threads()} "
        f"thread(s), torch {torch.__version__}, median of {options.repeats}"
    )
    print(f"two plain passes  {1000 * statistics.median(two_plain):9.1f} ms")
    print(f"     with mixing  {1000 * statistics.median(with_mixing):9.1f} ms")
    low, _, high = statistics.quantiles(ratios, n=4)
    print(f"           ratio  {statistics.median(ratios):9.3f}     (quartiles {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
