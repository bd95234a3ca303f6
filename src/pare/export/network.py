"""A trained model with all that is done before and behind it, as one network."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pare.config.errors import PareError
from pare.data.preparation import Preparation
from pare.data.preparation.normalisation import append_coordinates
from pare.learners.ensemble import SMALLEST, Ensemble
from pare.learners.model import Model
from pare.learners.networks.trained_network import TrainedNetwork


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
    """The outputs of a network, ``(batch, …)``, from prepared rows; the network is moved to the CPU.

    Args:
        trained: the network.
        family: what messages call it.
    """

    def __init__(self, trained: TrainedNetwork, family: str) -> None:
        super().__init__()
        self.model, self.family = trained.network.cpu(), family

    def forward(self, x: Tensor) -> Tensor:
        """Logits, numbers or fields, averaged over the symmetries of the task."""
        symmetries = self.model.symmetries
        outputs = symmetries.averaged_at_once(self.model.predict, x) if symmetries else self.model.predict(x)
        return outputs


class Averaged(nn.Module):
    """The outputs of an ensemble, `Ensemble.outputs` as a network.

    Args:
        ensemble: the ensemble.
        members: the outputs of its models by name.
    """

    def __init__(self, ensemble: Ensemble, members: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.weights, self.temperatures = ensemble.weights, ensemble.temperatures
        self.members = nn.ModuleDict(members)
        self.enter, self.leave = MEANS[ensemble.mean.name]

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of the mean, ``(batch, …)``."""
        parts = [
            weight * self.enter(self.members[name](x) / self.temperatures[name])
            for name, weight in self.weights.items()
        ]
        return self.leave(torch.stack(parts).sum(0))


MEANS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "classes": (lambda x: x.softmax(1), lambda p: p.clamp(min=SMALLEST).log()),
    "labels": (torch.sigmoid, lambda p: p.clamp(SMALLEST, 1 - 1e-7).logit()),
    "numbers": (lambda x: x, lambda x: x),
}


def outputs_of(trained: Model) -> nn.Module:
    """From prepared rows to the outputs of a model, as a network.

    Raises:
        PareError: where it is that of a library, or an ensemble with one.
    """
    match trained.predictor:
        case Ensemble():
            members = {name: outputs_of(member) for name, member in trained.predictor.members.items()}
            return Averaged(trained.predictor, members)
        case TrainedNetwork():
            family = trained.predictor.encoder_config.get("model_type", trained.run.method_name)
            return Predicted(trained.predictor, family)
    raise PareError(
        f"the model of {trained.run.method_name} is no network, and only networks become ONNX files; use the model's "
        "folder, or train a network, such as method=probe"
    )


def families_of(outputs: nn.Module) -> str:
    """The families of the networks in a network, for a message."""
    return " and ".join(sorted({repr(part.family) for part in outputs.modules() if isinstance(part, Predicted)}))


class Answers(nn.Module):
    """From raw rows to probabilities, or to numbers or fields in physical units.

    Args:
        trained: the model.
        outputs: its outputs of prepared rows, see `outputs_of`.
        shape: shape of a raw row.
        ending: what the outputs, at the temperature of the validation rows, still pass.
    """

    def __init__(self, trained: Model, outputs: nn.Module, shape: Sequence[int], ending: nn.Module) -> None:
        super().__init__()
        self.prepared, self.outputs, self.ending = Prepared(trained.preparation, shape), outputs, ending
        self.temperature = trained.calibration.temperature if trained.calibration else 1.0

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, *shape)`` to answers, ``(batch, …)``."""
        answers: Tensor = self.ending(self.outputs(self.prepared(x)) / self.temperature)
        return answers
