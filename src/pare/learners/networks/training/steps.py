"""Steps of the optimiser, and the time that they take."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import Any

import torch
from accelerate.utils import send_to_device
from torch import Tensor

from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.models.threads import fastest_threads
from pare.learners.networks.training.augmentation import augment
from pare.learners.networks.training.budget import step_seconds
from pare.learners.networks.training.objective import Terms
from pare.learners.networks.training.proxy_mixing import Mixed
from pare.learners.networks.training.setup import Setup

ASSUMED = 100  # epochs of a training whose number is not known yet, of which mixed ones are counted


class Steps:
    """Steps of a training; see `Setup`."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def step(
        self,
        batch: dict[str, Tensor],
        mixed: Mixed | None,
        draws: Draws,
        *,
        updates: bool = True,
        share: float = 1.0,
    ) -> Terms:
        """Learn from a batch.

        Args:
            batch: rows, see `batch_loader`, on the CPU or the device.
            mixed: rows of the proxy and how many tokens they replace; None: a plain step.
            draws: random numbers of the step.
            updates: whether the weights change; else gradients are added up.
            share: weight of the gradients among those that are added up, see `Setup.share_of_update`.
        """
        setup, accelerator = self.setup, self.setup.accelerator
        accelerator.sync_gradients = updates
        batch, mixed = send_to_device((batch, mixed), accelerator.device, non_blocking=True)
        x, y, anchor = self._changed(batch, draws)
        proxy: dict[str, Any] = {}
        if mixed and setup.parts.mixing:
            size, noise = len(x) * setup.parts.mixing.views, setup.parts.mixing.noise(draws, mixed.k)
            proxy = {"source": mixed.x[:size], "source_y": mixed.y[:size], "k": mixed.k, "noise": noise}
        with (
            fastest_threads(setup.network, ("step", mixed is not None)),
            _tf32(setup.run.training.precision),
            nullcontext() if updates else accelerator.no_sync(setup.objective),
        ):
            terms: Terms = setup.objective(x, y, anchor=anchor, **proxy)
            accelerator.backward(share * terms.total)
            if updates and setup.training.clip_norm:
                accelerator.clip_grad_norm_(setup.objective.parameters(), setup.training.clip_norm)
            setup.optimiser.step()
            setup.optimiser.zero_grad()
            if setup.average and updates:
                setup.average.update()
        return terms

    def _changed(self, batch: dict[str, Tensor], draws: Draws) -> tuple[Tensor, Tensor, Tensor | None]:
        """Inputs, outputs and the anchor's predictions, after the random changes of the training."""
        x, y, anchor = augment(batch["x"], self.setup.training.augmentation, draws), batch["y"], batch.get("anchor")
        if not self.setup.network.symmetries:
            return x, y, anchor
        x, fields = self.setup.network.symmetries.drawn(x, y if anchor is None else torch.cat([y, anchor], 1), draws)
        return x, fields[:, : y.shape[1]], None if anchor is None else fields[:, y.shape[1] :]

    def seconds(self) -> float:
        """Seconds of a step in the mean over a training, by some steps, whose changes are put back."""
        setup, generators = self.setup, Generators(self.setup.accelerator.device, 0)
        batch = send_to_device(next(setup.batches.of_epoch(0)), setup.accelerator.device)
        draws = Draws(generators, len(batch["x"]))

        def timed(mixed: Mixed | None = None) -> Terms:
            terms = self.step(batch, mixed, draws)
            terms.total.item()  # waits for the device, which would otherwise go on with the step
            return terms

        with self._put_back():
            setup.objective.train()
            plain = step_seconds(timed)
            if not setup.parts.mixing:
                return plain
            share, mixed = setup.parts.mixing.assumed(ASSUMED, setup.rng(0, 2))
            return (1 - share) * plain + share * step_seconds(lambda: timed(next(mixed, None)))

    @contextmanager
    def _put_back(self) -> Iterator[None]:
        """Nothing is learnt meanwhile, and what steps change besides, such as statistics of batch norms, comes back."""
        setup = self.setup
        parts = [setup.objective, setup.optimiser, *([setup.average] if setup.average else [])]
        before = [deepcopy(part.state_dict()) for part in parts]
        for group in setup.optimiser.param_groups:
            group["lr"] = 0.0
        yield
        for part, state in zip(parts, before, strict=True):
            part.load_state_dict(state)


@contextmanager
def _tf32(precision: str) -> Iterator[None]:
    """Products of single precision by TF32, as torch computes convolutions anyway; unless float32 is asked for."""
    if precision == "bf16" or not torch.cuda.is_available():
        yield
        return
    convolutions = torch.backends.cudnn
    before = torch.get_float32_matmul_precision(), convolutions.allow_tf32
    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
    convolutions.allow_tf32 = precision != "float32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        convolutions.allow_tf32 = before[1]
