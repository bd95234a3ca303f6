"""Time of one step of Muon, for the weights of a U-Net for Darcy flow, against torch's fused AdamW and torch's Muon.

    OMP_NUM_THREADS=1 python benchmarks/optimisers.py      # a quarter of a minute
    python benchmarks/optimisers.py --device cuda

torch has Muon since 2.9, for matrices only: here it gets each kernel as a matrix, and its AdamW the other weights. All
take turns, so that a busy machine slows them alike.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from kedro.config import OmegaConfigLoader
from torch import Tensor, nn

from pare.baselines.networks import UNetOptions, build_u_net
from pare.config.schema import Task
from pare.config_loader import load_library
from pare.settings import CONFIG_LOADER_ARGS
from pare.training.optimisers import CONVOLUTIONS, muon

TASK = "darcy_flow"
BETAS, RATE = (0.9, 0.999), 1e-3


def weights(device: str) -> tuple[nn.Module, dict[str, nn.Parameter]]:
    """The U-Net, with random gradients, and its weights by their names."""
    conf = Path(__file__).parents[1] / "conf"
    library = load_library(OmegaConfigLoader(conf_source=str(conf), **CONFIG_LOADER_ARGS))
    options = UNetOptions.model_validate(library.baselines["u_net"]["options"])
    model = build_u_net(Task.model_validate(library.tasks[TASK]), options).to(device)
    for weight in model.parameters():
        weight.grad = torch.randn_like(weight)
    return model, dict(model.named_parameters())


def torch_muon(model: nn.Module, named: dict[str, nn.Parameter]) -> Callable[[], None]:
    """A step of torch's own: kernels as matrices by Muon, all else by AdamW."""
    kernels = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, CONVOLUTIONS)}
    matrices = []
    for name in kernels:
        matrix = nn.Parameter(named[name].detach().flatten(1).clone())
        matrix.grad = named[name].grad.flatten(1)
        matrices.append(matrix)
    first = torch.optim.Muon(matrices, RATE, weight_decay=0.1)
    others = [weight for name, weight in named.items() if name not in kernels]
    second = torch.optim.AdamW(others, RATE, betas=BETAS, fused=True)

    def step() -> None:
        first.step()
        second.step()

    return step


def seconds(step: Callable[[], object], probe: Tensor) -> float:
    """Time of one call."""
    begin = time.perf_counter()
    step()
    float(probe.detach().flatten()[0])  # reading one number waits for the device
    return time.perf_counter() - begin


def main() -> None:
    """Median milliseconds of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=100)
    options = parser.parse_args()
    model, named = weights(options.device)
    probe = next(iter(named.values()))
    adamw = torch.optim.AdamW(list(named.values()), RATE, betas=BETAS, fused=True)
    ours = muon(model, [{"params": list(named.values())}], RATE, 0.1, BETAS)
    steps: dict[str, Callable[[], object]] = {"AdamW, fused": adamw.step, "Muon of pare": ours.step}
    if hasattr(torch.optim, "Muon"):
        steps["Muon of torch"] = torch_muon(model, named)
    rounds = [[seconds(step, probe) for step in steps.values()] for _ in range(options.repeats)]
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    print(f"U-Net of {TASK}, {options.device}, {torch.get_num_threads()} thread(s), torch {torch.__version__}")
    for name, median in zip(steps, medians, strict=True):
        print(f"{name:14s} {1000 * median:8.2f} ms, {median / medians[0]:5.2f} times AdamW")


if __name__ == "__main__":
    main()
