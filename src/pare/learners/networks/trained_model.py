"""A trained model with all that predicts raw rows, and the record of its training; as a folder that needs no other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pare.config.errors import PareError
from pare.config.run import PREPARATION, Run, is_periodic
from pare.data.preparation import Preparation
from pare.evaluation.calibration import Calibration
from pare.learners.model_card import CARD, model_card
from pare.learners.networks.models import Backbone, CrossModalModel, load_backbone
from pare.learners.networks.models.convolutional import build_convolutional_model
from pare.learners.networks.models.model import build_model
from pare.learners.networks.models.solved import build_solved_model
from pare.learners.networks.models.symmetries import Symmetries
from pare.learners.networks.models.threads import fastest_threads
from pare.learners.saved_model import RECORD, SavedModel
from pare.storage.access import usual_rights

WEIGHTS = "model.safetensors"
# transformers would take a folder with the encoder's own file for that encoder, and find none of its weights.
ENCODER, ENCODER_FOLDER = "config.json", "encoder"


@dataclass
class TrainedModel(SavedModel):
    """A model, the run that made it, and the record of its training.

    Attributes:
        run: the run that made it.
        model: the model, on the CPU, in evaluation mode.
        record: fingerprints of the training and of the model input, what decided the model (`Run.decisive`), history
            per epoch, best epoch, seconds, memory, versions.
        encoder_config: the encoder's ``config.json``.
        preparation: how raw rows become inputs of the model.
        calibration: how sure its predictions are; None without validation rows, and for masks.
    """

    run: Run
    model: CrossModalModel
    record: dict[str, Any]
    encoder_config: dict[str, Any]
    preparation: Preparation
    calibration: Calibration | None = None

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """What the model makes of prepared inputs, as `SavedModel.outputs`."""
        if device.type == "mps" and any(getattr(part, "has_kernels", False) for part in self.model.modules()):
            device = torch.device("cpu")  # Apple's GPUs have no double precision, which kernels need
        self.model.to(device)
        with torch.inference_mode(), fastest_threads(self.model, ("outputs", len(inputs))):
            return self.model(torch.from_numpy(inputs).to(device)).float().cpu().numpy()

    def save(self, folder: Path) -> None:
        """Write the model into a new folder, as `SavedModel.save`."""
        (folder / ENCODER_FOLDER).mkdir(parents=True)
        try:
            with usual_rights(folder / WEIGHTS):
                save_file({k: v.contiguous() for k, v in self.model.state_dict().items()}, folder / WEIGHTS)
            self.preparation.save(folder)
            if self.calibration:
                self.calibration.save(folder)
        except OSError as error:
            raise PareError(f"cannot write to {folder} ({error}); free space there") from error
        (folder / ENCODER_FOLDER / ENCODER).write_text(json.dumps(self.encoder_config, indent=2))
        (folder / CARD).write_text(model_card(self.run, self.record), encoding="utf-8")
        content = {"run": self.run.model_dump(mode="json"), **self.record}
        (folder / RECORD).write_text(json.dumps(content, indent=2))

    @classmethod
    def load(cls, folder: Path) -> "TrainedModel":
        """Read what `save` wrote, as `SavedModel.load`."""
        if (folder / RECORD).is_file() and not (folder / PREPARATION).is_file():
            raise PareError(
                f"{folder} lacks {PREPARATION}, as models of older versions of this project do; train again"
            )
        try:
            record = json.loads((folder / RECORD).read_text())
            run = Run.model_validate(record.pop("run"))
            model = _untrained(run, folder, record)
            model.load_state_dict(load_file(folder / WEIGHTS))
            config = json.loads((folder / ENCODER_FOLDER / ENCODER).read_text())
            preparation = Preparation.load(folder)
            calibration = Calibration.load(folder, run.task.output.kind)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, PareError) as error:
            raise PareError(f"{folder} holds no whole trained model ({error}); delete it and train again") from error
        return cls(run, model.eval(), record, config, preparation, calibration)


def _untrained(run: Run, folder: Path, record: dict[str, Any]) -> CrossModalModel:
    parts = (record["source_classes"], record["categories"], record.get("landmark_rows", 0))
    first, *others = (
        assemble(run, load_backbone(folder / ENCODER_FOLDER, run.grid, "random"), *parts)
        for _ in record.get("members", [None])
    )
    first.others.extend(others)
    return first


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
        periodic = is_periodic(run.training.symmetries)
        model = build_convolutional_model(run.task, backbone, source_classes, gate, periodic=periodic)
    elif run.start:
        model = build_solved_model(run.task, run.start, backbone, source_classes, categories, gate, rows=rows)
    else:
        model = build_model(run.task, backbone, source_classes, categories, gate)
    axes = len(run.task.input.shape) - 1
    model.symmetries = Symmetries(run.training.symmetries, axes if run.task.normalisation.coordinates else 0)
    return model
