"""The base of all networks that are trained here: units, symmetries, parameters."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pare.learners.networks.models.predictors import PhysicalUnits
from pare.learners.networks.models.symmetries import Symmetries

NO_SYMMETRIES = Symmetries(())


class Network(nn.Module, ABC):
    """A network that predicts a task; the training loop needs no more of it.

    Args:
        units: from outputs of the last layer to physical units; logits stay as they are.
        symmetries: symmetries of the task's equation, over which predictions are averaged.
    """

    def __init__(self, units: nn.Module, symmetries: Symmetries = NO_SYMMETRIES) -> None:
        super().__init__()
        self.units, self.symmetries = units, symmetries

    @abstractmethod
    def learnt(self, x: Tensor) -> Tensor:
        """The part of the prediction that training changes, ``(batch, *output shape)``.

        Args:
            x: prepared samples, ``(batch, *input shape)``.
        """

    def predict(self, x: Tensor) -> Tensor:
        """Logits, numbers or fields in physical units, ``(batch, *output shape)``, of samples as they are."""
        return self.learnt(x)

    def forward(self, x: Tensor) -> Tensor:
        """The same, averaged over the symmetries of the equation."""
        return self.symmetries.averaged(self.predict, x) if self.symmetries else self.predict(x)

    def set_units(self, statistics: Mapping[str, np.ndarray]) -> None:
        """Predict in the units of the data: with ``y_mean`` and ``y_scale``, where the outputs were normalised."""
        if "y_mean" in statistics and isinstance(self.units, PhysicalUnits):
            mean, scale = (torch.as_tensor(statistics[name]) for name in ("y_mean", "y_scale"))
            self.units.set(*self.symmetries.units(mean, scale))

    def parameter_groups(self, new_rate: float | None) -> list[dict[str, Any]]:
        """All trainable parameters for an optimiser.

        Args:
            new_rate: learning rate of those that begin random, here all; None: that of the training.
        """
        rate = {} if new_rate is None else {"lr": new_rate}
        return [{"params": [p for p in self.parameters() if p.requires_grad], **rate}]
