"""A trained model, whatever learnt it: a folder that needs no other, with a record of how it was made."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

import numpy as np
import torch

from pare.config.errors import PareError
from pare.config.run import FILES, MODEL, PREPARATION, RECORD, Run, changed_text
from pare.data.formats.memory import OBJECTS, TooLargeError, check_memory
from pare.data.preparation import Preparation
from pare.evaluation.calibration import Calibration
from pare.learners.learner import Data, Fitted, Predictor, load_predictor
from pare.learners.machine import peak_memory_mb, versions
from pare.learners.model_card import CARD, model_card
from pare.learners.trial import try_boosters
from pare.storage.checksums import check_digests, digests, files_of, read_sealed, sealed_json
from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
BLOBS = "blobs"  # folder of the hub's cache, of whose files a model's folder there has links
REASON = 600  # letters of a message, of which torch's have a line for each array
ROW = 8  # floats that a value of a row takes while it is prepared, about


@dataclass
class Model:
    """A model that predicts raw rows, with the record of its making.

    Attributes:
        run: the run that made it.
        predictor: what predicts prepared rows.
        record: how the fitting went (`pare.learners.learner.Fitted`), fingerprints of the fit and of the model input,
            and what decided the model (`Run.decisive`).
        preparation: how raw rows become inputs of the model.
        calibration: how sure its predictions are; None without validation rows, and for masks.
    """

    run: Run
    predictor: Predictor
    record: dict[str, Any]
    preparation: Preparation
    calibration: Calibration | None = None

    @classmethod
    def of(cls, run: Run, data: Data, fitted: Fitted, fingerprint: str) -> "Model":
        """The model that a fit made.

        Args:
            run: the run.
            data: what it learnt from.
            fitted: what the fit made.
            fingerprint: digest of everything that decides the model.
        """
        store = data.store
        record: dict[str, Any] = {
            **dict.fromkeys(("validation", "best_epoch", "samples_per_second", "precision", "threads")),
            "history": [],
            "peak_memory_mb": round(peak_memory_mb()),
            **fitted.record,
            "fingerprint": fingerprint,
            "model_input": store.fingerprint,
            "decisive": run.decisive(),
            "categories": list(store.description.get("categories", ())),
        }
        record["versions"] = versions() | record["versions"]
        preparation = Preparation.of(store, coordinates=run.task.normalisation.coordinates)
        return cls(run, fitted.predictor, record, preparation, fitted.calibration)

    def outputs(self, inputs: np.ndarray, device: torch.device) -> np.ndarray:
        """Outputs of prepared rows, as `pare.learners.learner.Predictor.outputs`."""
        return self.predictor.outputs(inputs, device)

    def save(self, folder: Path) -> None:
        """Write the model into a new folder.

        Raises:
            PareError: where it cannot be written.
        """
        folder.mkdir(parents=True)
        try:
            self.predictor.write(folder)
            self.preparation.save(folder)
            if self.calibration:
                self.calibration.save(folder)
            content = {"run": self.run.model_dump(mode="json"), **self.record, FILES: digests(folder)}
            (folder / RECORD).write_text(sealed_json(content), encoding="utf-8")
            (folder / CARD).write_text(model_card(self.run, self.record), encoding="utf-8")
        except Exception as error:  # each library has errors of its own for a full disk
            raise PareError(f"cannot write the model to {folder} ({error}); free space there") from error

    @classmethod
    def load(cls, folder: Path, *, own: bool = True) -> "Model":
        """Read what `save` wrote; needs neither the source, its package nor the model input.

        What its files declare is compared with each other and with the memory that is free before a library opens them.

        Args:
            folder: folder of the model.
            own: whether this user made it. Else boosters are tried in another process first, as their libraries crash
                where a file is not as they wrote it, and a row of zeros is predicted.

        Raises:
            PareError: where the folder is missing, holds no whole model, or one of an older version of this project.
        """
        if not folder.is_dir():
            raise PareError(f"{folder} is missing: there is no such model yet; train it by `kedro run` first")
        try:
            _check_paths(folder)
            record = read_sealed(folder / RECORD)
            check_digests(folder, record.pop(FILES))  # not every library survives to read what is damaged
            run = Run.model_validate(record.pop("run"))
            preparation = Preparation.load(folder)
            calibration = Calibration.load(folder, run.task.output.kind)
            _check_shapes(run, record, preparation, calibration)
            if not own:
                try_boosters(folder)
            predictor = load_predictor(folder, run, record)
            if not own:
                _check_outputs(run, predictor)
        except TooLargeError:
            raise
        except Exception as e:  # each library has errors of its own
            reason = shorten(str(e) if isinstance(e, PareError | OSError) else f"{type(e).__name__}: {e}", REASON)
            raise PareError(
                f"{folder} holds no whole trained model of this version of the project ({reason}); delete it and "
                "train again"
            ) from e
        return cls(run, predictor, record, preparation, calibration)

    def check(self, run: Run, store: ArrayStore, as_it_is: str) -> None:
        """Refuse a model that is not the run's, see `check_values`, or that was trained on another model input.

        Args:
            run: the run that the model is used for.
            store: its model input.
            as_it_is: the command that uses the model with the values that it was trained with.

        Raises:
            PareError: with the difference and the command that helps.
        """
        self.check_values(run, as_it_is)
        if self.record["model_input"] != store.fingerprint:
            raise PareError(
                f"the model of {run.folder} was trained on another model input than {store.path}, which was prepared "
                f"again since; train it again: {run.command()}"
            )

    def check_values(self, run: Run, as_it_is: str) -> None:
        """Refuse a model that was trained with other values than the run's; arguments and errors as for `check`."""
        if changed := changed_text(self.record.get("decisive"), run.decisive()):
            use = f", or use it as it is: {as_it_is}" if self.run.params != run.params else ""
            raise PareError(
                f"the model of {run.folder} was trained with another {changed}; train it again: {run.command()}{use}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the files of its folder: a model's modules and libraries hold functions that cannot be."""
        with TemporaryDirectory() as name:
            folder = Path(name) / "model"
            self.save(folder)
            return _unpickled, ({path: (folder / path).read_bytes() for path in files_of(folder)},)


def _unpickled(files: dict[str, bytes]) -> Model:
    with TemporaryDirectory() as name:
        for path, content in files.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_bytes(content)
        return Model.load(Path(name))


def _check_paths(folder: Path) -> None:
    """Refuse what is no file of this folder, or does not fit into memory, before any is opened."""
    home = folder.resolve()
    homes = [home, home.parent.parent / BLOBS]
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            continue
        if not path.is_file() or not any(map(path.resolve().is_relative_to, homes)):
            raise PareError(f"{path.relative_to(folder)} is no file of this folder but a link out of it, or a device")
        check_memory(path.stat().st_size * (OBJECTS if path.suffix == ".json" else 1), str(path))


def _check_shapes(
    run: Run, record: Mapping[str, Any], preparation: Preparation, calibration: Calibration | None
) -> None:
    """Refuse a preparation or a calibration of another task."""
    shape, output = run.task.input.shape, run.task.output.shape
    check_memory(prod(shape) * ROW * 4, f"a row of {list(shape)}")
    axes = len(shape) - 1 if preparation.coordinates else 0
    found = preparation.inputs(np.zeros((1, shape[0] - axes, *shape[1:]), np.float32)).shape[1:]
    counts = [len(names or ()) for names in preparation.categories or ()]
    classes = output[0] if run.task.output.kind in ("classification", "multilabel") else 0
    if found != shape or list(record["categories"]) not in (counts, [0] * len(counts)):
        raise PareError(f"{PREPARATION} makes inputs of shape {found}, the task has {shape}, or of other categories")
    if preparation.classes is not None and len(preparation.classes) != classes:
        raise PareError(f"{PREPARATION} names {len(preparation.classes)} classes, the task has {classes}")
    if calibration:
        wanted = output if calibration.kind == "dense" else (calibration.rows, *output)
        values = calibration.arrays["spread" if calibration.kind == "dense" else "prediction"]
        if values.shape != wanted or not np.isfinite(values).all():
            raise PareError(
                f"the calibration has numbers of shape {values.shape}, finite ones of {wanted} are expected"
            )


def _check_outputs(run: Run, predictor: Predictor) -> None:
    found = predictor.outputs(np.zeros((1, *run.task.input.shape), np.float32), torch.device("cpu")).shape
    if found != (1, *run.task.output.shape):
        raise PareError(f"it predicts {found[1:]} a row, the task asks for {run.task.output.shape}")


def model_folders(folder: Path) -> dict[str, Path]:
    """Folders of the models below a folder, by the folder of their run; members of an ensemble are none of them."""
    found = [record.parent for record in sorted(folder.rglob(f"{MODEL}/{RECORD}"))]
    return {path.parent.relative_to(folder).as_posix(): path for path in found}


def recorded_fingerprint(folder: Path) -> str | None:
    """Fingerprint of the trained model in a folder; None without a readable one."""
    record = read_record(folder)
    return None if record is None else str(record["fingerprint"])


def tell_of_replaced(folder: Path, run: Run) -> None:
    """Warn where a finished model of the same folder was trained with other values, before it is replaced."""
    record = read_record(folder)
    if record and (changed := changed_text(record.get("decisive"), run.decisive())):
        logger.warning(
            "%s holds a model with another %s, which is replaced once this training is done; to keep both, name this "
            "run: variant=NAME",
            *(folder, changed),
        )


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record in a model's folder; None without one, or with one of an older version of this project."""
    try:
        record = dict(json.loads((folder / RECORD).read_text()))
    except (OSError, ValueError):
        return None
    return record if {"fingerprint", FILES} <= record.keys() and (folder / PREPARATION).is_file() else None
