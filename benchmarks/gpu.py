"""What a step costs on a GPU: Swin-B and RoBERTa-base at the paper's batches, with random weights and random rows.

    python benchmarks/gpu.py                        # some minutes
    python benchmarks/gpu.py --cases swin_base --compile 0

Shapes, batch and optimiser are those of one task of the paper for each encoder, CIFAR-100 and DeepSEA. One table:
milliseconds of a step and its peak memory, by precision, plain and mixed, eager and compiled. Two plain steps are the
least that a mixed step can cost. `idle` is the share of a mixed step's time in which the device waits for its rows,
where they are gathered in memory, pinned and copied for each step; the proxy's are on the device.
"""

import gc
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import torch
from transformers import logging

from harness import in_turns, library, options
from pare.config import Run, resolve
from pare.config.hyperparameters import MixingConfig
from pare.learners.networks.mixing.selection import gumbel
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.training.losses import build_loss
from pare.learners.networks.training.objective import Objective
from pare.learners.networks.training.optimisers import build_optimiser
from random_encoders import write_encoder

DEVICE = torch.device("cuda")
SHARE, CLASSES = 0.5, 10  # of the tokens that are replaced; of the proxy
STEPS = 5  # one after the other, so that the program can run ahead of the device
CASES = {"swin_base": "cifar100", "roberta_base": "deepsea"}
PRECISIONS = {"float32": ("highest", False), "TF32": ("high", False), "bf16": ("high", True)}


def paper_run(name: str) -> Run:
    """The run of the paper's whose shapes and batch are taken."""
    asked = {"task": CASES[name], "method": "pare", "seed": 0, "protocol": "paper", "start": "random"}
    run = resolve(library("paper"), asked, {})
    assert run.source_name == name
    return run


def make_step(run: Run, *, compiled: bool, bf16: bool) -> Callable[..., None]:
    """A step that replaces k tokens, 0 for a plain one, with rows that are on the device or come from memory."""
    task, training, batch = run.task, run.training, run.training.batch_size
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        backbone = load_backbone(write_encoder(str(run.source_name), Path(folder)), task.grid, "random")
    model = build_model(task, backbone, CLASSES)
    loss = build_loss(task.loss, task.output.kind)
    objective = Objective(model, loss, training, MixingConfig(start=SHARE)).to(DEVICE)
    if compiled:
        objective.compile()
    optimiser = build_optimiser(model, model.parameter_groups(None), training)
    rows, order = np.random.default_rng(0).normal(size=(4 * batch, *task.input.shape)), np.arange(0, 4 * batch, 4)
    rows = rows.astype(np.float32)
    x, source_y = torch.from_numpy(rows[order]).to(DEVICE), torch.randint(CLASSES, (batch,), device=DEVICE)
    labels = torch.randint(2, (batch, *task.output.shape), device=DEVICE).float()
    y = labels if task.output.kind == "multilabel" else source_y
    words = torch.randint(100, (batch, run.tokens), device=DEVICE)
    source = torch.randn(batch, 3, *backbone.image_size, device=DEVICE) if len(task.grid) > 1 else words

    def step(k: int, *, fresh: bool = False) -> None:
        inputs = torch.from_numpy(rows[order]).pin_memory().to(DEVICE, non_blocking=True) if fresh else x
        noise = gumbel((2, batch, run.tokens), device=DEVICE) if k else None
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=bf16):
            total = objective(inputs, y, source, source_y, k=k, noise=noise).total
        total.backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def measure(run: Run, precision: str, *, compiled: bool, repeats: int) -> str:
    """Milliseconds and memory of a line of the table."""
    products, bf16 = PRECISIONS[precision]
    torch.set_float32_matmul_precision(products)
    torch.backends.cudnn.allow_tf32 = products == "high"
    step, k = make_step(run, compiled=compiled, bf16=bf16), round(SHARE * run.tokens)
    torch.cuda.reset_peak_memory_stats()
    several = {
        "two plain": lambda: (step(0), step(0)),
        "mixed": lambda: [step(k) for _ in range(STEPS)],
        "fresh": lambda: [step(k, fresh=True) for _ in range(STEPS)],
    }
    plain, mixed, fresh = (sorted(times)[repeats // 2] for times in in_turns(several, repeats).values())
    mixed, idle = mixed / STEPS, max(0.0, 1 - mixed / fresh)
    memory = torch.cuda.max_memory_allocated() / 2**30
    return f"{500 * plain:9.1f} {1000 * mixed:9.1f} {mixed / plain:9.2f} {idle:9.1%} {memory:9.1f}"


def main() -> None:
    """Print the table."""
    asked = options(__doc__, cases=list(CASES), compile=1, repeats=15)
    if not torch.cuda.is_available():
        sys.exit(
            "This benchmark measures a GPU with CUDA, and torch finds none here; run it on a machine that has one."
        )
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print("encoder      batch precision way       plain ms  mixed ms  of 2 plain     idle  peak GiB")
    runs = [paper_run(name) for name in asked.cases]
    for run, precision, compiled in product(runs, PRECISIONS, range(asked.compile + 1)):
        try:
            said = measure(run, precision, compiled=bool(compiled), repeats=asked.repeats)
        except torch.OutOfMemoryError:
            said = "   does not fit into the memory"
        way = "compiled" if compiled else "eager"
        print(f"{run.source_name:12} {run.training.batch_size:5} {precision:9} {way:8}{said}", flush=True)
        gc.collect()
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
