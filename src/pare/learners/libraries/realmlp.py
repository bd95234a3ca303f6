"""Tables: RealMLP by pytabkit, saved as an ONNX file, because pytabkit itself saves by pickle alone."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pydantic import PositiveInt
from scipy.special import softmax
from sklearn.utils import compute_class_weight
from torch import Tensor, nn

from pare.config.errors import PareError
from pare.config.run import Run
from pare.config.strict import Strict
from pare.evaluation.calibration import fit_temperature
from pare.learners.libraries.problem import LABELS, Estimator, LibraryFit, Problem, require
from pare.learners.libraries.table_models import (
    ConstantLabel,
    Library,
    OutputModel,
    TableModel,
    answers_by_output,
    load_table_model,
)

INPUT = "x"
FEWEST = 10  # training rows
NOISY = (
    "pytorch_lightning",
    "pytorch_lightning.utilities.rank_zero",
    "lightning_fabric",
    "torch.onnx",
    "onnxscript",
    "onnx_ir",
)
Rows = tuple[np.ndarray, np.ndarray]  # inputs ``(rows, features)`` and answers ``(rows,)``


class RealMLPOptions(Strict):
    """Options of RealMLP; all else is as its authors tuned it."""

    epochs: PositiveInt


@dataclass(frozen=True)
class OnnxNetwork:
    """A network for one output, of rows ``(rows, features)``, NaN where a value is missing, codes for categories.

    Attributes:
        content: bytes of its ONNX file.
    """

    content: bytes

    def predict(self, x: np.ndarray) -> np.ndarray:
        """A number of each row, ``(rows,)``."""
        return self._outputs(x)[:, 0]

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """``(rows, classes)``."""
        return softmax(self._outputs(x), axis=1)

    def _outputs(self, x: np.ndarray) -> np.ndarray:
        return _session(self.content).run(None, {INPUT: x.astype(np.float32)})[0]


def _session(content: bytes) -> Any:
    runtime = require("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class Columns(nn.Module):
    """Raw rows to what RealMLP takes: a missing number is the median, and has a mark where training rows miss some.

    Args:
        x: training rows, ``(rows, features)``.
        categories: number of categories per column, 0 for numbers; empty where all are numbers.
    """

    medians: Tensor

    def __init__(self, x: np.ndarray, categories: Sequence[int]) -> None:
        super().__init__()
        counts = list(categories) or [0] * x.shape[1]
        self.counts = [count for count in counts if count]
        self.numeric = [i for i, count in enumerate(counts) if not count]
        self.categorical = [i for i, count in enumerate(counts) if count]
        numbers = x[:, self.numeric]
        self.marked = np.flatnonzero(np.isnan(numbers).any(0)).tolist()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column without any number
            medians = np.nan_to_num(np.nanmedian(numbers, 0))
        self.register_buffer("medians", torch.from_numpy(medians.astype(np.float32)))

    def numbers(self, x: Tensor) -> Tensor:
        """``(rows, numbers and marks)``."""
        values = x[:, self.numeric]
        missing = values.isnan()
        return torch.cat([torch.where(missing, self.medians, values), missing[:, self.marked].float()], 1)

    def codes(self, x: Tensor) -> Tensor:
        """Categories, −1 where one is missing, ``(rows, categorical columns)``."""
        values = x[:, self.categorical]
        return torch.where(values.isnan(), -1.0, values).long()

    def frame(self, x: np.ndarray) -> pd.DataFrame:
        """The same as pytabkit takes it."""
        rows = torch.from_numpy(x.astype(np.float32))
        return self.as_frame(self.numbers(rows).numpy(), self.codes(rows).numpy())

    def as_frame(self, numbers: np.ndarray, codes: np.ndarray) -> pd.DataFrame:
        """Numbers with marks and codes of categories as one frame."""
        columns: dict[str, Any] = {f"number_{i}": column for i, column in enumerate(numbers.T)}
        for i, (column, count) in enumerate(zip(codes.T, self.counts, strict=True)):
            columns[f"category_{i}"] = pd.Categorical.from_codes(column, pd.Index(range(count)))
        return pd.DataFrame(columns)


class Network(nn.Module):
    """A fitted estimator of pytabkit as one network of raw rows.

    Args:
        columns: columns of the raw rows.
        estimator: fitted to their frame.
    """

    own_codes: Tensor
    temperature: Tensor
    shift: Tensor

    def __init__(self, columns: Columns, estimator: Any) -> None:
        super().__init__()
        self.columns = columns
        fitted = estimator.alg_interface_.model
        self.preparation, self.layers = fitted.creator.static_model, fitted.model
        self.register_buffer("own_codes", _own_codes(columns, estimator))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("shift", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of classes or a number, ``(rows, outputs)``."""
        codes = self.columns.codes(x) + 1
        own = [self.own_codes[i][codes[:, i]] for i in range(codes.shape[1])]
        categories = torch.stack(own, 1) if own else codes
        tensors = self.preparation.forward_tensors({"x_cont": self.columns.numbers(x), "x_cat": categories})
        batch = {name: tensor[None] for name, tensor in tensors.items()}  # it trains several networks at once
        outputs: Tensor = self.layers.forward_tensors(batch)["x_cont"][0]
        return outputs / self.temperature + self.shift

    def weight(self, weights: np.ndarray, held: Rows) -> None:
        """Raise each logit by the logarithm of its class's weight, of weights ``(classes,)``.

        Labels are smoothed, so logits are no log-probabilities. Held-out rows, if any, give the temperature that
        divides them first.
        """
        if len(held[1]):
            self.temperature = torch.tensor(fit_temperature(self(torch.from_numpy(held[0])).numpy(), held[1]))
        self.shift = torch.from_numpy(np.log(weights).astype(np.float32))


def _own_codes(columns: Columns, estimator: Any) -> Tensor:
    """How pytabkit numbers each category, the missing one first, ``(categorical columns, categories + 1)``."""
    most = max(columns.counts, default=0)
    codes = np.stack([np.arange(-1, most).clip(max=count - 1) for count in columns.counts] or [np.empty(most + 1)], 1)
    numbers = np.zeros((most + 1, len(columns.numeric) + len(columns.marked)), np.float32)
    frame = columns.as_frame(numbers, codes[:, : len(columns.counts)].astype(int))
    return estimator.x_converter_.transform(frame).tensors["x_cat"].T.contiguous()


def fit_realmlp(problem: Problem, options: RealMLPOptions) -> LibraryFit:
    """Holzmüller et al. (2024): a multilayer perceptron with defaults tuned on many tables, on one thread.

    The epoch with the least error on the validation rows is selected, without these on a fifth of the training rows.

    It cannot weight rows. Where they are to be weighted, its logits are adjusted instead (Menon et al., *Long-tail
    learning via logit adjustment*, 2021).

    Raises:
        PareError: where there are too few training rows.
    """
    x, y = problem.training_arrays()
    if len(x) < FEWEST:
        raise PareError(f"RealMLP needs at least {FEWEST} training rows, found {len(x)}; use method=xgboost")
    held = problem.validation.read(0, len(problem.validation)) if len(problem.validation) else {"x": x[:0], "y": y[:0]}
    columns = Columns(x, problem.categories)
    answers = zip(*(answers_by_output(problem.task, part) for part in (y, held["y"])), strict=True)
    bags = [[_output(problem, options, columns, (x, own), (held["x"], other))] for own, other in answers]
    library = _library()
    return LibraryFit(TableModel(problem.task, problem.categories, bags, library), {library.name: library.version})


def load_realmlp(folder: Path, run: Run, options: RealMLPOptions) -> TableModel:
    """Read the networks of a fitted RealMLP."""
    return load_table_model(folder, run.task, _library())


def _library() -> Library:
    return Library(
        *("pytabkit", version("pytabkit"), ".onnx"),
        frame=lambda rows, categories: rows,
        write=lambda network, path: path.write_bytes(network.content),
        read=lambda path, number: _read(path),
    )


def _read(path: Path) -> OnnxNetwork:
    content = path.read_bytes()
    _session(content)  # fails where the file is no network
    return OnnxNetwork(content)


def _output(problem: Problem, options: RealMLPOptions, columns: Columns, train: Rows, held: Rows) -> OutputModel:
    pytabkit = require("pytabkit")
    shared = {"device": "cpu", "random_state": problem.seed, "n_threads": 1, "verbosity": 0, "n_epochs": options.epochs}
    if problem.task.output.kind == "regression":
        return OutputModel(_network(pytabkit.RealMLP_TD_Regressor(**shared), columns, train, held), None)
    present = np.unique(train[1])
    if len(present) == 1:
        return OutputModel(ConstantLabel(), present)
    known, weights = np.isin(held[1], present), _weights(problem, present, train[1])
    parts = [(x, np.searchsorted(present, y)) for x, y in (train, (held[0][known], held[1][known]))]
    return OutputModel(
        _network(pytabkit.RealMLP_TD_Classifier(**shared), columns, parts[0], parts[1], weights), present
    )


def _weights(problem: Problem, present: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """What a row of each class counts, ``(classes,)``, of those that training rows ``y`` have; None: all alike."""
    if problem.class_weights:
        return compute_class_weight("balanced", classes=present, y=y)
    return None if problem.positive_weight == 1 else np.where(present == 1, problem.positive_weight, 1.0)


def _network(
    estimator: Any, columns: Columns, train: Rows, held: Rows, weights: np.ndarray | None = None
) -> OnnxNetwork:
    """Fit an estimator of pytabkit, and convert it; classes with weights ``(classes,)``."""
    validation = (columns.frame(held[0]), held[1]) if len(held[1]) else ()
    with _quietly(), torch.random.fork_rng(devices=[]):
        estimator.fit(columns.frame(train[0]), train[1], *validation)
        network = Network(columns, estimator).eval().requires_grad_(False)
        if weights is not None:
            network.weight(weights, held)
        example = torch.from_numpy(train[0][:2].astype(np.float32))
        program: Any = torch.onnx.export(
            network, (example,), dynamo=True, verbose=False, input_names=[INPUT], dynamic_shapes=({0: "rows"},)
        )
    return OnnxNetwork(program.model_proto.SerializeToString())


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence Lightning and torch.onnx."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [library.level for library in loggers]
    try:
        for library in loggers:
            library.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for library, level in zip(loggers, levels, strict=True):
            library.setLevel(level)


ESTIMATORS = {
    "realmlp": Estimator(
        *("tables", (*LABELS, "regression"), ("pytabkit", "onnxruntime", "onnxscript")),
        options=RealMLPOptions,
        fit=fit_realmlp,
        load=load_realmlp,
    )
}
