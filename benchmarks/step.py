"""Time of a training step with mixing against two plain passes at the same size, which is the least it can cost.

    OMP_NUM_THREADS=1 python benchmarks/step.py     # darcy_flow through an encoder of MiniLM's size, about two minutes
    python benchmarks/step.py --device cuda --precision bf16

A step is the forward pass of the objective and its backward pass. Target and mixed tokens pass the encoder once,
concatenated, so a step with mixing should cost two plain ones and little more: the gate, the selection, the
replacement and the second predictor. Options: samples of a batch, edge of a patch (9 makes 100 tokens of 85×85
points), share of tokens replaced, layers of the encoder, and width of a token, a multiple of 32.
"""

import tempfile
from argparse import Namespace
from pathlib import Path

import torch
from transformers import BertConfig, logging

from harness import Ways, in_turns, library, options, show
from pare.config.hyperparameters import MixingConfig, TrainingConfig
from pare.config.schema import Task
from pare.learners.networks.mixing.selection import gumbel
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.training.losses import build_loss
from pare.learners.networks.training.objective import Objective

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


def build_steps(asked: Namespace) -> Ways:
    """Two plain steps, and a step with mixing, on the same random batch."""
    task = library().task("darcy_flow")
    task = task.model_copy(update={"tokens": task.tokens.model_copy(update={"patch": asked.patch})})
    tokens = task.grid[0] * task.grid[1]
    mixing = MixingConfig(start=asked.share)
    plain, mixed = (build_objective(task, asked.layers, asked.width, m).to(asked.device) for m in (None, mixing))
    x = torch.randn(asked.batch, *task.input.shape, device=asked.device)
    y = torch.randn(asked.batch, *task.output.shape, device=asked.device)
    words = torch.randint(1000, 30000, (asked.batch, tokens), device=asked.device)
    topics = torch.randint(TOPICS, (asked.batch,), device=asked.device)
    noise = gumbel((2, asked.batch, tokens), device=torch.device(asked.device))

    def step(objective: Objective, *source: torch.Tensor, k: int = 0) -> None:
        objective.zero_grad()
        with torch.autocast(asked.device, torch.bfloat16, enabled=asked.precision == "bf16"):
            total = objective(x, y, *source, k=k, noise=noise).total
        total.backward()

    return {
        "two plain steps": lambda: (step(plain), step(plain)),
        "a step with mixing": lambda: step(mixed, words, topics, k=round(asked.share * tokens)),
    }


def main() -> None:
    """Compare both."""
    sizes = {"batch": 16, "patch": 9, "share": 0.5, "layers": 6, "width": 384}
    asked = options(__doc__, **sizes, repeats=15, device="cpu", precision="float32")
    logging.set_verbosity_error()
    title = f"batch {asked.batch}, {asked.layers} layers of width {asked.width}, {asked.device} {asked.precision}"
    show(f"{title}, {torch.get_num_threads()} thread(s)", in_turns(build_steps(asked), asked.repeats))


if __name__ == "__main__":
    main()
