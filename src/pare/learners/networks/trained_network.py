"""A trained network, with the configuration of its encoder if it has one, as files that need no others."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn.modules.module import register_module_parameter_registration_hook

from pare.config.errors import PareError
from pare.config.run import Run, is_periodic
from pare.learners.learner import in_batches
from pare.learners.networks.models import Backbone, CrossModalModel, Network
from pare.learners.networks.models.convolutional import build_convolutional_model
from pare.learners.networks.models.model import build_model
from pare.learners.networks.models.solved import build_solved_model
from pare.learners.networks.models.symmetries import Symmetries
from pare.learners.networks.models.threads import fastest_threads
from pare.storage.access import usual_rights

WEIGHTS = "model.safetensors"
BATCH_ROWS = 64  # rows that pass the network together
# transformers would take a folder with the encoder's own file for that encoder, and find none of its weights.
ENCODER, ENCODER_FOLDER = "config.json", "encoder"
SPARE = 100  # parameters that a network has only while it is made, such as an encoder's pooler


@dataclass
class TrainedNetwork:
    """A network that predicts prepared rows; a `pare.learners.learner.Predictor`.

    Attributes:
        network: the network, in evaluation mode.
        encoder_config: the encoder's ``config.json``; empty for a network without one.
    """

    network: Network
    encoder_config: dict[str, Any] = field(default_factory=dict)

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """What the network makes of prepared inputs, as `pare.learners.learner.Predictor.outputs`."""
        if device.type == "mps" and any(getattr(part, "has_kernels", False) for part in self.network.modules()):
            device = torch.device("cpu")  # Apple's GPUs have no double precision, which kernels need
        self.network.to(device)
        return in_batches(partial(self._of_batch, device=device), inputs, BATCH_ROWS)

    def _of_batch(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        with torch.inference_mode(), fastest_threads(self.network, ("outputs", len(inputs))):
            return self.network(torch.from_numpy(inputs).to(device)).float().cpu().numpy()

    def write(self, folder: Path) -> None:
        """Weights as safetensors, and the encoder's configuration."""
        with usual_rights(folder / WEIGHTS):
            save_file({k: v.contiguous() for k, v in self.network.state_dict().items()}, folder / WEIGHTS)
        if self.encoder_config:
            (folder / ENCODER_FOLDER).mkdir()
            (folder / ENCODER_FOLDER / ENCODER).write_text(json.dumps(self.encoder_config, indent=2))

    @classmethod
    def load(cls, folder: Path, build: Callable[[], Network]) -> "TrainedNetwork":
        """Read what `write` wrote.

        Args:
            folder: folder of the model.
            build: makes such a network, with any weights.

        Raises:
            PareError: where it makes many more parameters than the file has.
            RuntimeError: where it makes others. Both are seen before memory is taken for it.
        """
        weights = load_file(folder / WEIGHTS)
        with torch.device("meta"), _at_most(2 * len(weights) + SPARE):
            shapes = build()
        shapes.load_state_dict(weights, assign=True)
        network = build()
        network.load_state_dict(weights)
        config = folder / ENCODER_FOLDER / ENCODER
        return cls(network.eval(), json.loads(config.read_text()) if config.is_file() else {})


@contextmanager
def _at_most(count: int) -> Iterator[None]:
    """No more parameters than so many are made: a record may describe more layers than there is time to make."""
    made = iter(range(count))

    def count_one(module: torch.nn.Module, name: str, parameter: torch.nn.Parameter) -> None:
        if next(made, None) is None:
            raise PareError(f"the record describes more than {count} parameters, {WEIGHTS} holds fewer")

    hook = register_module_parameter_registration_hook(count_one)
    try:
        yield
    finally:
        hook.remove()


def assemble(
    run: Run, backbone: Backbone, source_classes: int | None, categories: Sequence[int], rows: int
) -> CrossModalModel:
    """The model of a run, with its encoder and before its training.

    Args:
        run: its task, start and gate.
        backbone: made for the run's tokens.
        source_classes: classes of the proxy, or None where its labels are masks.
        categories: number of categories per column of a table, 0 for numbers; empty where all are numbers.
        rows: that are used for training.
    """
    gate = run.mixing.gate if run.mixing else "linear"
    if run.start and run.task.kind == "field":
        periodic, frequencies = is_periodic(run.training.symmetries), run.start.frequencies
        model = build_convolutional_model(
            *(run.task, backbone, source_classes, gate), periodic=periodic, frequencies=frequencies
        )
    elif run.start:
        model = build_solved_model(run.task, run.start, backbone, source_classes, categories, gate, rows=rows)
    else:
        model = build_model(run.task, backbone, source_classes, categories, gate)
    axes = len(run.task.input.shape) - 1
    model.symmetries = Symmetries(run.training.symmetries, axes if run.task.normalisation.coordinates else 0)
    return model
