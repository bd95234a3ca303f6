"""What a learner brings to a training: its network, and perhaps a start, an alignment and rows of a proxy."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from accelerate import Accelerator

from pare.config.run import Run
from pare.learners.learner import Data
from pare.learners.networks.models import Network
from pare.learners.networks.training.proxy_mixing import ProxyMixing
from pare.storage.store import Rows

Part = tuple[Rows, np.ndarray]  # rows of a split, and the numbers of those that are used


class Start(Protocol):
    """What is solved before the first epoch.

    Attributes:
        held_out: predictions of an anchor for the training rows, ``(rows, …)``; None without an anchor.
    """

    held_out: np.ndarray | None

    def solve(self, parts: Sequence[Part]) -> dict[str, Any]:
        """Solve it from rows; what was chosen, and perhaps ``left``, the share of the spread that is left."""

    def fit(self, parts: Sequence[Part], solution: Mapping[str, Any]) -> None:
        """Solve it from more rows, after `solve` on others."""

    def hold_out(self, parts: Sequence[Part], solution: Mapping[str, Any]) -> None:
        """Set `held_out` anew, for a training that goes on."""

    def applied(self) -> AbstractContextManager[None]:
        """The network predicts by what was solved; afterwards it is as its training begins."""


@dataclass(frozen=True)
class Parts:
    """What is trained.

    Attributes:
        network: the network, on the CPU.
        mixing: what of a proxy is mixed into the rows; None: nothing.
        start: what is solved first; None: nothing.
        align: fits the embedder before the first epoch, and returns its record; None: nothing does.
        encoder_config: ``config.json`` of the pretrained encoder; empty without one.
        record: what is needed to read the network again.
    """

    network: Network
    mixing: ProxyMixing | None = None
    start: Start | None = None
    align: Callable[[], dict[str, Any]] | None = None
    encoder_config: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


# Makes them of a run, its data, and the numbers of the training rows that are used, for an accelerator.
Build = Callable[[Run, Data, np.ndarray, Accelerator], Parts]
