"""What a learner brings to a training: its network, and perhaps a start, an alignment and rows of a proxy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from accelerate import Accelerator

from pare.config.run import Run
from pare.learners.learner import Data
from pare.learners.networks.models import Network
from pare.learners.networks.start import FieldStart, SolvedStart
from pare.learners.networks.training.proxy_mixing import ProxyMixing


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
    start: FieldStart | SolvedStart | None = None
    align: Callable[[], dict[str, Any]] | None = None
    encoder_config: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


# Makes them of a run, its data, and the numbers of the training rows that are used, for an accelerator.
Build = Callable[[Run, Data, np.ndarray, Accelerator], Parts]
