"""Which loss term dominates the gradient: its norm per term and epoch, with the paper's weights and with the defaults.

    python research/studies/gradients.py --task darcy_flow --epochs 4        # about 6 minutes on two cores

Needs the model input and the source on disk: `kedro run --pipelines=ingest,preprocess --params task=darcy_flow`.
At the start of each epoch the terms of equation (2) are differentiated one by one on a few training batches, with
respect to the encoder's weights. Writes a figure and the numbers behind it.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from kedro.config import OmegaConfigLoader
from matplotlib.figure import Figure

from pare.config import Run, resolve
from pare.config_loader import load_library
from pare.learners.learner import Data, Work
from pare.learners.networks.training.session import Session
from pare.learners.networks.training.trainer import Trainer
from pare.learners.networks.transformer import build_parts
from pare.learners.source_folders import SourceFolders
from pare.settings import CONFIG_LOADER_ARGS
from pare.storage.store import ArrayStore

PROJECT = Path(__file__).parents[2]
PAPER = {"training": {"source_weight": 1.0}, "mixing": {"start": 3000 / 3136}}
BATCHES = 3
TERMS = {"target": "target", "mixed_target": "(1 − λ) · target of the mixed batch", "source": "λ · w · source"}


class GradientTrainer(Trainer):
    """A trainer that measures the gradient of each term before each epoch."""

    def _epoch(self, epoch: int, bar: Any) -> None:
        norms.append(self._norms(epoch))
        super()._epoch(epoch, bar)

    def _norms(self, epoch: int) -> dict[str, float]:
        setup = self.setup
        mixed = setup.parts.mixing.epoch(epoch, len(setup.loader), setup.rng(epoch, 9))
        k, share = mixed.k, mixed.row["lambda"]
        weights = {
            "target": 1.0,
            "mixed_target": 1 - share,
            "source": share * setup.training.source_weight,
        }
        parameters = [p for p in setup.network.backbone.parameters() if p.requires_grad]
        sums = dict.fromkeys(TERMS, 0.0)
        for number, batch in zip(range(BATCHES), setup.loader, strict=False):
            rows = mixed.step(number)
            inputs = [part[: len(batch["x"])].to(setup.accelerator.device) for part in rows[:2]] if rows else []
            terms = setup.objective(batch["x"], batch["y"], *inputs, k=k)
            for name, weight in weights.items():
                if (term := getattr(terms, name)) is not None:
                    grads = torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True)
                    sums[name] += (
                        weight * float(torch.stack([g.norm() for g in grads if g is not None]).norm()) / BATCHES
                    )
        return sums


def measure(run: Run) -> list[dict[str, float]]:
    """Norms per epoch of one training."""
    data = PROJECT / "data"
    folders = SourceFolders(
        data / "01_raw" / run.places["encoder"], data / "01_raw" / run.places["proxy"], ("encoder", "proxy")
    )
    store = ArrayStore(data / "05_model_input" / f"{run.places['model_input']}.h5")
    norms.clear()
    with tempfile.TemporaryDirectory() as folder:
        GradientTrainer(Session(run, Data(store, folders), Work(Path(folder), "gradients"), build_parts)).train()
    return list(norms)


def main() -> None:
    """Measure both settings, print, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="darcy_flow")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--output", type=Path, default=PROJECT / "research/figures/gradients.png")
    options = parser.parse_args()
    loader = OmegaConfigLoader(conf_source=str(PROJECT / "conf"), **CONFIG_LOADER_ARGS)
    results = {}
    for title, overrides in (("the paper's weights", PAPER), ("the defaults", {})):
        sections = {name: dict(overrides.get(name, {})) for name in ("training", "mixing")}
        sections["training"]["epochs"] = options.epochs
        parameters = {**loader["parameters"], "task": options.task, "method": "pare", **sections}
        parameters["training"] = {**loader["parameters"]["training"], **sections["training"]}
        results[title] = measure(resolve(load_library(loader), parameters, sections))
        print(title, json.dumps(results[title]))
    draw(results, options)


def draw(results: dict[str, list[dict[str, float]]], options: argparse.Namespace) -> None:
    """One panel a setting: gradient norm over epochs, a line a term."""
    figure = Figure(figsize=(9, 3.6), layout="constrained", dpi=130)
    for ax, (title, rows) in zip(figure.subplots(1, 2, sharey=True), results.items(), strict=True):
        for (name, label), style in zip(TERMS.items(), ("o-", "s--", "^:"), strict=True):
            ax.plot(range(1, len(rows) + 1), [row[name] or np.nan for row in rows], style, label=label)
        ax.set(title=title, xlabel="epoch", yscale="log", xticks=range(1, len(rows) + 1))
        ax.grid(alpha=0.3)
    figure.axes[0].set_ylabel("gradient norm, encoder weights")
    figure.axes[0].legend()
    figure.suptitle(f"{options.task}: what each loss term asks of the encoder")
    figure.savefig(options.output)
    (PROJECT / "research/data/gradients.json").write_text(json.dumps(results, indent=1))


norms: list[dict[str, float]] = []

if __name__ == "__main__":
    main()
