"""Steps of the optimiser, and the time that they take."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from accelerate.utils import send_to_device
from torch import Tensor

from pare.learners.networks.models.threads import fastest_threads
from pare.learners.networks.training.augmentation import augment
from pare.learners.networks.training.budget import step_seconds
from pare.learners.networks.training.losses import not_finite
from pare.learners.networks.training.objective import Terms
from pare.learners.networks.training.proxy_mixing import Mixed
from pare.learners.networks.training.rows import batch_loader
from pare.learners.networks.training.setup import Setup

ASSUMED = 100  # epochs of a training whose number is not known yet, of which mixed ones are counted


class Steps:
    """Steps of a training; see `Setup`."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def step(self, batch: dict[str, Tensor], mixed: Mixed | None, noise: torch.Generator, place: str) -> Terms:
        """Learn from a batch.

        Args:
            batch: rows, see `batch_loader`.
            mixed: rows of the proxy and how many tokens they replace; None: a plain step.
            noise: decides everything random in the step.
            place: which step it is, for a message.

        Raises:
            PareError: where the loss is not finite.
        """
        setup, accelerator = self.setup, self.setup.accelerator
        size = len(batch["x"]) * setup.parts.mixing.views if setup.parts.mixing else 0
        x, y, anchor = self._changed(batch, noise)
        proxy = [part[:size].to(accelerator.device) for part in (mixed.x, mixed.y)] if mixed else []
        k = mixed.k if mixed else 0
        with (
            fastest_threads(setup.network, ("step", mixed is not None)),
            accelerator.accumulate(setup.objective),
        ):
            terms: Terms = setup.objective(x, y, *proxy, anchor=anchor, k=k, generator=noise)
            if not torch.isfinite(terms.total):
                raise not_finite(terms.total, place, setup.optimiser.param_groups[0]["lr"], x, y)
            accelerator.backward(terms.total)
            if accelerator.sync_gradients and setup.training.clip_norm:
                accelerator.clip_grad_norm_(setup.objective.parameters(), setup.training.clip_norm)
            setup.optimiser.step()
            setup.optimiser.zero_grad()
            if setup.average and accelerator.sync_gradients:
                setup.average.update()
        return terms

    def _changed(self, batch: dict[str, Tensor], noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor | None]:
        """Inputs, outputs and the anchor's predictions, after the random changes of the training."""
        x, y, anchor = augment(batch["x"], self.setup.training.augmentation, noise), batch["y"], batch.get("anchor")
        if not self.setup.network.symmetries:
            return x, y, anchor
        x, fields = self.setup.network.symmetries.drawn(x, y if anchor is None else torch.cat([y, anchor], 1), noise)
        return x, fields[:, : y.shape[1]], None if anchor is None else fields[:, y.shape[1] :]

    def seconds(self) -> float:
        """Seconds of a step in the mean over a training, by some steps, whose changes are put back."""
        setup, noise = self.setup, torch.Generator().manual_seed(0)
        rows = batch_loader(setup.training_rows, setup.training.batch_size)
        batch = send_to_device(next(iter(rows)), setup.accelerator.device)
        with self._put_back():
            setup.objective.train()
            plain = step_seconds(lambda: self.step(batch, None, noise, "the first steps"))
            if not setup.parts.mixing:
                return plain
            share, mixed = setup.parts.mixing.assumed(ASSUMED, setup.rng(0, 2))
            return (1 - share) * plain + share * step_seconds(
                lambda: self.step(batch, next(mixed, None), noise, "the first steps")
            )

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
        setup.accelerator.step = 0  # batches since the last update
