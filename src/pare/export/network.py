"""A trained model with all that is done before and behind it, as one network."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pare.config.errors import PareError
from pare.data.preparation import Preparation
from pare.data.preparation.normalisation import append_coordinates
from pare.learners.ensemble.blend import SMALLEST, mean_of
from pare.learners.ensemble.chosen import ChosenModel
from pare.learners.libraries import TrainedBaseline
from pare.learners.libraries.networks import Network
from pare.learners.networks.trained_model import TrainedModel
from pare.learners.saved_model import SavedModel


class Prepared(nn.Module):
    """Raw rows as the model takes them: `Preparation.inputs` as a network.

    Args:
        preparation: what training did to raw rows.
        shape: shape of a raw row, ``(features,)`` or ``(channels, *grid)``.
    """

    x_mean: Tensor | None
    x_scale: Tensor
    seen: Tensor | None
    numeric: Tensor
    places: Tensor | None

    def __init__(self, preparation: Preparation, shape: Sequence[int]) -> None:
        super().__init__()
        for name in ("x_mean", "x_scale"):
            array = preparation.statistics.get(name)
            self.register_buffer(name, None if array is None else torch.from_numpy(array))
        self.register_buffer("seen", _seen(preparation, shape[0]) if preparation.seen else None)
        self.register_buffer("numeric", torch.tensor([column not in preparation.seen for column in range(shape[0])]))
        self.register_buffer("places", _places(shape) if preparation.coordinates else None)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, *shape)``, scaled; categories that training never saw become NaN, coordinates are appended."""
        if self.x_mean is not None:
            x = (x - self.x_mean) / self.x_scale
        if self.seen is not None:
            known = (x.unsqueeze(-1) == self.seen).any(-1)
            x = torch.where(known | self.numeric, x, torch.nan)
        if self.places is not None:
            x = torch.cat([x, self.places.expand(x.shape[0], *self.places.shape)], 1)
        return x


def _seen(preparation: Preparation, columns: int) -> Tensor:
    """Codes of the categories that training rows have, ``(columns, most)``, filled up with NaN."""
    seen = torch.full((columns, max(map(len, preparation.seen.values()))), torch.nan)
    for column, codes in preparation.seen.items():
        seen[column, : len(codes)] = torch.tensor(codes)
    return seen


def _places(shape: Sequence[int]) -> Tensor:
    """The channels that say where each point is, ``(axes, *grid)``."""
    return torch.from_numpy(append_coordinates(np.zeros((1, *shape), np.float32))[0, shape[0] :])


class Predicted(nn.Module):
    """The outputs of a method's model, ``(batch, …)``, from prepared rows; the model is moved to the CPU."""

    def __init__(self, trained: TrainedModel) -> None:
        super().__init__()
        self.model, self.family = trained.model.cpu(), trained.encoder_config.get("model_type")

    def forward(self, x: Tensor) -> Tensor:
        """Logits, numbers or fields, averaged over the members of the model and the symmetries of the task."""
        symmetries = self.model.symmetries
        outputs = [
            symmetries.averaged_at_once(model.predict, x) if symmetries else model.predict(x)
            for model in self.model.members
        ]
        return torch.stack(outputs).mean(0)


class PredictedField(nn.Module):
    """The fields of a baseline's network, ``(batch, channels, *grid)``, from prepared rows; it is moved to the CPU.

    Args:
        network: as `Network.predict` averages it over the symmetries.
        family: the baseline's name.
    """

    def __init__(self, network: Network, family: str) -> None:
        super().__init__()
        self.network, self.family = network.cpu(), family

    def forward(self, x: Tensor) -> Tensor:
        """Fields in physical units, averaged over the symmetries of the task."""
        return self.network.symmetries.averaged_at_once(self.network, x)


class Blended(nn.Module):
    """The ensemble that a choice selects: `Blend.outputs` as a network.

    Args:
        chosen: the choice.
        members: the outputs of its models by name.
    """

    def __init__(self, chosen: ChosenModel, members: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.shares, self.temperatures = chosen.blend.weights, chosen.blend.temperatures
        self.members = nn.ModuleDict(members)
        self.enter, self.leave = MEANS[mean_of(chosen.run.task).name]

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of the mean, ``(batch, …)``."""
        parts = [
            share * self.enter(self.members[name](x) / self.temperatures[name]) for name, share in self.shares.items()
        ]
        return self.leave(torch.stack(parts).sum(0))


MEANS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "classes": (lambda x: x.softmax(1), lambda p: p.clamp(min=SMALLEST).log()),
    "labels": (torch.sigmoid, lambda p: p.clamp(SMALLEST, 1 - 1e-7).logit()),
    "numbers": (lambda x: x, lambda x: x),
}


def outputs_of(trained: SavedModel) -> nn.Module:
    """From prepared rows to the outputs of a model, as a network.

    Raises:
        PareError: where it is that of a baseline which is no network, or a choice with one.
    """
    if not isinstance(trained, ChosenModel):
        outputs = _network(trained)
        if outputs is None:
            raise PareError(
                f"the model of {trained.run.folder} is no network, and only networks become ONNX files; train "
                "one, such as method=probe"
            )
        return outputs
    members = {name: _network(member) for name, member in trained.members.items()}
    if others := sorted(name for name, member in members.items() if member is None):
        raise PareError(
            f"the choice of {trained.run.folder} selected {', '.join(others)}, which are no networks and become no "
            "ONNX file; use the model's folder, or train a method, such as method=probe"
        )
    return Blended(trained, {name: member for name, member in members.items() if member is not None})


def _network(trained: SavedModel) -> nn.Module | None:
    if isinstance(trained, TrainedModel):
        return Predicted(trained)
    if isinstance(trained, TrainedBaseline) and isinstance(trained.model, Network):
        return PredictedField(trained.model, trained.run.method_name)
    return None


def families_of(outputs: nn.Module) -> str:
    """The families of the encoders and the baselines in a network, for a message."""
    parts = (part for part in outputs.modules() if isinstance(part, Predicted | PredictedField))
    return " and ".join(sorted({repr(part.family) for part in parts}))


class Answers(nn.Module):
    """From raw rows to probabilities, or to numbers or fields in physical units.

    Args:
        trained: the model.
        outputs: its outputs of prepared rows, see `outputs_of`.
        shape: shape of a raw row.
        ending: what the outputs, at the temperature of the validation rows, still pass.
    """

    def __init__(self, trained: SavedModel, outputs: nn.Module, shape: Sequence[int], ending: nn.Module) -> None:
        super().__init__()
        self.prepared, self.outputs, self.ending = Prepared(trained.preparation, shape), outputs, ending
        self.temperature = trained.calibration.temperature if trained.calibration else 1.0

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, *shape)`` to answers, ``(batch, …)``."""
        answers: Tensor = self.ending(self.outputs(self.prepared(x)) / self.temperature)
        return answers
