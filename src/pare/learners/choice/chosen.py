"""A selected model, or a weighted ensemble of several, as a folder that needs no other."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pare.config import PareError, Run
from pare.data.preparation import Preparation
from pare.evaluation.calibration import Calibration
from pare.learners.choice.blend import Blend, mean_of
from pare.learners.libraries import TrainedBaseline
from pare.learners.model import RECORD, Model
from pare.learners.model_card import CARD, model_card
from pare.learners.networks.trained_model import TrainedModel

MEMBERS, BLEND = "members", "blend"  # folder of the models, and their weights in the record


@dataclass
class ChosenModel(Model):
    """The selected models as one.

    Attributes:
        run: the run that chose.
        record: that of any model, and the outcome of all candidates.
        blend: weight and temperature of each model.
        members: the models by name.
        preparation: how raw rows become inputs, the same for all members.
        calibration: how sure the predictions are, from all training and validation rows; None for masks.
    """

    run: Run
    record: dict[str, Any]
    blend: Blend
    members: dict[str, Model]
    preparation: Preparation
    calibration: Calibration | None = None

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """The mean of the members' outputs, as `Model.outputs`."""
        outputs = {name: member.outputs(inputs, device) for name, member in self.members.items()}
        return self.blend.outputs(outputs, mean_of(self.run.task))

    def save(self, folder: Path) -> None:
        """Write the members and their weights into a new folder, as `Model.save`."""
        for name, member in self.members.items():
            member.save(folder / MEMBERS / name)
        self.preparation.save(folder)
        if self.calibration:
            self.calibration.save(folder)
        blend = {"shares": self.blend.weights, "temperatures": self.blend.temperatures}
        content = {"run": self.run.model_dump(mode="json"), **self.record, BLEND: blend}
        (folder / RECORD).write_text(json.dumps(content, indent=2))
        (folder / CARD).write_text(model_card(self.run, self.record), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ChosenModel":
        """Read what `save` wrote, as `Model.load`."""
        try:
            record = json.loads((folder / RECORD).read_text())
            run, stored = Run.model_validate(record.pop("run")), record.pop(BLEND)
            blend = Blend(stored["shares"], stored["temperatures"])
            members = {name: load_trained(folder / MEMBERS / name) for name in blend.weights}
            preparation = Preparation.load(folder)
            calibration = Calibration.load(folder, run.task.output.kind)
        except (OSError, ValueError, KeyError, TypeError, PareError) as error:
            raise PareError(f"{folder} holds no whole choice ({error}); delete it and choose again") from error
        return cls(run, record, blend, members, preparation, calibration)


def load_trained(folder: Path) -> Model:
    """The trained model in a folder, of a method, a baseline or a choice.

    Raises:
        PareError: where the folder is missing, holds no whole model, or one of an older version of this project.
    """
    if not folder.is_dir():
        raise PareError(f"{folder} is missing: there is no such model yet; run pare_train, baseline or choose first")
    try:
        made_by = json.loads((folder / RECORD).read_text())["run"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PareError(f"{folder} holds no whole trained model ({error}); delete it and train again") from error
    if "candidates" in made_by:
        return ChosenModel.load(folder)
    return (TrainedBaseline if "baseline" in made_by else TrainedModel).load(folder)
