"""Time of one step of Muon, for the weights of a U-Net for Darcy flow, against torch's fused AdamW and torch's Muon.

    OMP_NUM_THREADS=1 python benchmarks/optimisers.py      # a quarter of a minute; --device cuda

torch has Muon since 2.9, for matrices only: here it gets each kernel as a matrix, and its AdamW the other weights.
"""

import torch
from torch import nn

from harness import Ways, in_turns, library, options, show
from pare.learners.networks.operators import UNetOptions, build_u_net
from pare.learners.networks.training.optimisers import CONVOLUTIONS, muon

TASK = "darcy_flow"
BETAS, RATE = (0.9, 0.999), 1e-3


def torch_muon(model: nn.Module) -> Ways:
    """A step of torch's own: kernels as matrices by Muon, all else by AdamW."""
    named = dict(model.named_parameters())
    kernels = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, CONVOLUTIONS)}
    matrices = []
    for name in kernels:
        matrix = nn.Parameter(named[name].detach().flatten(1).clone())
        matrix.grad = named[name].grad.flatten(1)
        matrices.append(matrix)
    first = torch.optim.Muon(matrices, RATE, weight_decay=0.1)
    others = [weight for name, weight in named.items() if name not in kernels]
    second = torch.optim.AdamW(others, RATE, betas=BETAS, fused=True)
    return {"Muon of torch": lambda: (first.step(), second.step())}


def main() -> None:
    """Compare steps with random gradients."""
    asked = options(__doc__, device="cpu", repeats=100)
    conf = library()
    model = build_u_net(conf.task(TASK), UNetOptions.model_validate(conf.learner("u_net").options))
    weights = list(model.to(asked.device).parameters())
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    ways = {
        "AdamW, fused": torch.optim.AdamW(weights, RATE, betas=BETAS, fused=True).step,
        "Muon of pare": muon(model, [{"params": weights}], RATE, 0.1, BETAS).step,
    } | (torch_muon(model) if hasattr(torch.optim, "Muon") else {})
    threads = torch.get_num_threads()
    show(
        f"U-Net of {TASK}, {asked.device}, {threads} thread(s), torch {torch.__version__}",
        in_turns(ways, asked.repeats),
    )


if __name__ == "__main__":
    main()
