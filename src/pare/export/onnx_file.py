"""An ONNX file of a trained model with facts about it, compared with the model before it is written."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.export import Dim

from pare.config.errors import PareError, causes, import_extra
from pare.data.own.format import NewRows
from pare.data.own.new_rows import RawRows
from pare.evaluation.metrics import METRICS
from pare.export.network import Answers, families_of, outputs_of
from pare.export.operations import InOnnx
from pare.learners.learner import in_batches
from pare.learners.model import Model
from pare.learners.model_card import licences, source_of
from pare.prediction.predict import Predictor
from pare.storage.atomic import atomic_path

logger = logging.getLogger(__name__)
INPUT, PROBABILITIES, NUMBERS = "x", "probabilities", "prediction"  # names in the file
MOST_DIFFERENCE = 1e-4
EXTRA = ("an ONNX file", "pare-transfer[export]")  # what needs its packages, and what brings them
BATCH_ROWS = 64  # rows of the comparison that pass the file's network together
LIBRARIES = ("torch", "onnx", "onnxscript", "onnxruntime")  # that make and check a file


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX file that is not written yet.

    Attributes:
        content: content of the file.
        answer: ``probabilities`` or ``prediction``, the name of its output.
        difference: the greatest one from the model's own answers, in probabilities; numbers are divided by the
            largest of their column or channel.
        rows: how many were compared.
    """

    content: bytes
    answer: str
    difference: float
    rows: int

    def write(self, path: str | Path) -> None:
        """Write the file whole or not at all; PareError where it cannot be written."""
        with atomic_path(Path(path)) as unfinished:
            unfinished.write_bytes(self.content)
        relative = "" if self.answer == PROBABILITIES else "relative "
        logger.info(
            "%s: %.1f MB; on %d rows its greatest %sdifference from the model is %.1e.",
            *(path, len(self.content) / 1e6, self.rows, relative, self.difference),
        )


class Estimator(Protocol):
    """An estimator of scikit-learn that was fitted, such as `pare.estimators.PaReClassifier`."""

    predictor_: Predictor

    def open(self, X: Any) -> NewRows:
        """Its rows as the trained model takes them."""


def to_onnx(model: Predictor | Estimator, rows: NewRows | RawRows) -> OnnxModel:
    """Make an ONNX file of a trained model, with all that is done to raw rows, and compare its answers.

    It takes ``x``, ``(batch, …)`` float32, as `Predictor` takes arrays: raw numbers, NaN where one is missing, and
    codes for categories. It gives ``probabilities`` of classes, labels or points of a mask, else ``prediction``,
    numbers or fields in physical units. Its metadata are those of `pare.export.onnx_file`.

    Args:
        model: a trained network, or an ensemble of such; or an estimator that was fitted.
        rows: to compare with, as the model predicts them, such as ``new_rows.csv`` or ``X``.

    Raises:
        PareError: where it is none, a package is missing, the network cannot be converted, or an answer differs
            by more than 1e-4.
    """
    runtime = import_extra("onnxruntime", *EXTRA)
    rows = rows if isinstance(rows, NewRows) else model.open(rows)
    model = model if isinstance(model, Predictor) else model.predictor_
    trained = model.trained
    outputs = outputs_of(trained)
    answer = NUMBERS if model.classes is None and not model.is_binary else PROBABILITIES
    own = Predictor(trained, "cpu").outputs(rows)  # on a GPU convolutions are less exact than the file's
    content = _content(trained, outputs, model, answer)
    x = rows.read(0, len(rows.names))
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = in_batches(lambda rows: session.run(None, {INPUT: rows})[0], x, BATCH_ROWS)
    expected = own if answer == NUMBERS else model.probabilities(own)
    difference = _difference(found, expected, relative=answer == NUMBERS)
    if not difference <= MOST_DIFFERENCE:
        raise PareError(
            f"the ONNX file of {trained.run.folder} differs from the model by {difference:.1e}, at most "
            f"{MOST_DIFFERENCE:.0e} was expected, so it is not written; use the model's folder"
        )
    return OnnxModel(content, answer, difference, len(x))


def _content(trained: Model, outputs: nn.Module, model: Predictor, answer: str) -> bytes:
    optimizer = import_extra("onnxscript", *EXTRA).optimizer
    classes = None if model.classes is None else model.classes.tolist()
    ending = nn.Sigmoid() if model.is_binary else nn.Softmax(1) if classes else nn.Identity()
    network = Answers(trained, outputs, model.raw_shape, ending).cpu().eval()
    x = torch.zeros(2, *model.raw_shape)  # one row alone would be a batch that is always one
    names: dict[str, Any] = {"input_names": [INPUT], "output_names": [answer], "dynamic_shapes": ({0: "batch"},)}
    with _quietly(), torch.no_grad():
        try:
            with InOnnx(network):
                program = torch.export.export(network, (x,), dynamic_shapes=({0: Dim.DYNAMIC},))
            onnx: Any = torch.onnx.export(program, dynamo=True, verbose=False, optimize=False, **names)
            # All that torch's own optimisation does would take four times as long for a series, to run no faster.
            optimizer.fold_constants(onnx.model)
            optimizer.remove_unused_nodes(onnx.model)
        except RuntimeError as error:  # from torch.export, or from torch.onnx, whose errors derive from it
            reason = str(list(causes(error))[-1]).partition("\n")[0]
            raise PareError(
                f"the model of {trained.run.folder}, with networks of the family {families_of(outputs)}, cannot be "
                f"converted ({reason}); use the model's folder"
            ) from error
    onnx.model.metadata_props.update(metadata(trained, classes))
    return onnx.model_proto.SerializeToString()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the converter's libraries tell their authors."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
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


def _difference(found: np.ndarray, expected: np.ndarray, *, relative: bool) -> float:
    differences, others = np.abs(found - expected), (0, *range(2, expected.ndim))
    if relative:
        largest = np.abs(expected).max(others, keepdims=True)
        differences = differences / np.where(largest > 0, largest, 1)
    return float(differences.max())


def metadata(trained: Model, classes: list[str] | list[int] | None) -> dict[str, str]:
    """Facts by name; what is no text is JSON.

    Args:
        trained: the model.
        classes: their names, in the order of the probabilities.

    Returns:
        ``task``, ``title``, ``method``, ``seed``, ``fingerprint``; ``kind`` of the data and of the ``output``;
        ``columns`` of a table, their ``categories`` in the order of the codes, null for a column of numbers, and
        ``dates``, the day 0 in UTC of those that count days; for other data there are none;
        ``classes`` in the order of the probabilities, or ``outputs``, the names of numbers, labels or channels;
        ``metric`` with its value on the validation rows; ``encoder``, null without one, ``licences`` and
        ``versions``.
    """
    run, record, known = trained.run, trained.record, trained.preparation
    task, spec = run.task, METRICS[run.metric]
    source = source_of(run, record)
    facts = {
        "task": run.task_name,
        "title": run.title,
        "method": run.label,
        "seed": run.seed,
        "fingerprint": record["fingerprint"],
        "kind": task.kind,
        "output": task.output.kind,
        "columns": known.columns,
        "categories": known.categories or (known.columns and [None] * len(known.columns)),
        "dates": task.reader.options.get("dates", {}),
        "classes": classes,
        "outputs": None if classes else task.output.names("prediction"),
        "metric": {
            "name": run.metric,
            "title": spec.title,
            "unit": spec.unit,
            "direction": spec.direction,
            "validation": record["validation"],
        },
        "encoder": source and source.title,
        "licences": licences(run, record),
        "versions": {"training": record["versions"], "export": {name: version(name) for name in LIBRARIES}},
    }
    return {name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in facts.items()}
