"""What a step costs on a GPU: Swin-B and RoBERTa-base at the paper's batches, with random weights and random rows.

    python benchmarks/gpu.py                        # some minutes
    python benchmarks/gpu.py --cases swin --compile 0

One table: milliseconds of a step and its peak memory, by precision, plain and mixed, eager and compiled. Two plain
steps are the least that a mixed step can cost. `idle` is the share of a mixed step's time in which the device waits for
its rows, where they are gathered in memory, pinned and copied for each step; the proxy's are on the device.
"""

import gc
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PretrainedConfig, RobertaConfig, SwinConfig, logging

from harness import in_turns, options
from pare.config.hyperparameters import MixingConfig, TrainingConfig
from pare.config.schema import Task
from pare.learners.networks.mixing.selection import gumbel
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.training.losses import build_loss
from pare.learners.networks.training.objective import Objective
from pare.learners.networks.training.optimisers import build_optimiser

SHARE, CLASSES = 0.5, 10  # of the tokens that are replaced; of the proxy
STEPS = 5  # one after the other, so that the program can run ahead of the device
SWIN = SwinConfig(embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32], window_size=7)
ROBERTA = RobertaConfig(max_position_embeddings=514)
PLANE = {"input": {"shape": [3, 224, 224]}, "tokens": {"kind": "patch", "patch": 4}}
LINE = {"input": {"shape": [1, 2048]}, "tokens": {"kind": "patch", "patch": 4}}
CASES: dict[str, tuple[PretrainedConfig, dict, int]] = {"swin": (SWIN, PLANE, 32), "roberta": (ROBERTA, LINE, 16)}
PRECISIONS = {"float32": ("highest", False), "TF32": ("high", False), "bf16": ("high", True)}


def task_of(shapes: dict) -> Task:
    """Ten classes of images or series."""
    about = {
        "title": "t",
        "raw": {"files": ["x.npy"]},
        "reader": {"name": "arrays"},
        "samples": {"train": 1, "test": 1},
    }
    return Task.model_validate({**about, "output": {"kind": "classification", "shape": [CLASSES]}, **shapes})


def make_step(name: str, batch: int, *, compiled: bool, bf16: bool) -> Callable[..., None]:
    """A step that replaces k tokens, 0 for a plain one, with rows that are on the device or come from memory."""
    config, shapes, _ = CASES[name]
    task = task_of(shapes)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        backbone = load_backbone(Path(folder), task.grid, "random")
    training = TrainingConfig(epochs=1, batch_size=batch, learning_rate=1e-4)
    model = build_model(task, backbone, CLASSES)
    objective = Objective(model, build_loss(task.loss, "classification"), training, MixingConfig(start=SHARE)).cuda()
    if compiled:
        objective.compile()
    optimiser = build_optimiser(model, model.parameter_groups(None), training)
    rows, order = np.random.default_rng(0).normal(size=(4 * batch, *task.input.shape)), np.arange(0, 4 * batch, 4)
    rows = rows.astype(np.float32)
    x, y = torch.from_numpy(rows[order]).cuda(), torch.randint(CLASSES, (batch,), device="cuda")
    tokens = backbone.grid[0] if len(backbone.grid) == 1 else backbone.grid[0] * backbone.grid[1]
    source: Tensor = torch.randint(100, (batch, tokens), device="cuda") if name == "roberta" else x

    def step(k: int, *, fresh: bool = False) -> None:
        inputs = torch.from_numpy(rows[order]).pin_memory().cuda(non_blocking=True) if fresh else x
        noise = gumbel((2, batch, tokens), device=x.device) if k else None
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            total = objective(inputs, y, source, y, k=k, noise=noise).total
        total.backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def measure(name: str, precision: str, *, compiled: bool, batch: int, repeats: int) -> str:
    """A line of the table."""
    products, bf16 = PRECISIONS[precision]
    torch.set_float32_matmul_precision(products)
    torch.backends.cudnn.allow_tf32 = products == "high"
    step = make_step(name, batch, compiled=compiled, bf16=bf16)
    k = round(SHARE * 512) if name == "roberta" else round(SHARE * 3136)
    torch.cuda.reset_peak_memory_stats()
    several = {
        "two plain": lambda: (step(0), step(0)),
        "mixed": lambda: [step(k) for _ in range(STEPS)],
        "fresh": lambda: [step(k, fresh=True) for _ in range(STEPS)],
    }
    plain, mixed, fresh = (sorted(times)[repeats // 2] for times in in_turns(several, repeats).values())
    mixed, idle = mixed / STEPS, max(0.0, 1 - mixed / fresh)
    memory = torch.cuda.max_memory_allocated() / 2**30
    values = f"{500 * plain:9.1f} {1000 * mixed:9.1f} {mixed / plain:9.2f} {idle:9.1%} {memory:9.1f}"
    return f"{name:8} {batch:5} {precision:8} {'compiled' if compiled else 'eager':9}{values}"


def main() -> None:
    """Print the table."""
    asked = options(__doc__, cases=list(CASES), compile=1, repeats=15)
    if not torch.cuda.is_available():
        sys.exit(
            "This benchmark measures a GPU with CUDA, and torch finds none here; run it on a machine that has one."
        )
    logging.set_verbosity_error()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print("encoder  batch precision way       plain ms  mixed ms  of 2 plain     idle  peak GiB")
    for name, precision, compiled in product(asked.cases, PRECISIONS, range(asked.compile + 1)):
        batch = CASES[name][2]
        try:
            print(measure(name, precision, compiled=bool(compiled), batch=batch, repeats=asked.repeats), flush=True)
        except torch.OutOfMemoryError:
            print(f"{name:8} {batch:5} {precision:8} does not fit into the memory", flush=True)
        gc.collect()
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
