"""Files of strangers and files that a disk damaged: what reading makes of generated ones, each made from a whole one.

An outcome is one of campaign.py's. Unharmed: it is read, and a stored file as it was; detected: `PareError`; unclear:
the error of a library, a crash, more than `MEMORY`, `COMPUTED` or `WAITED`; wrong: a stored file is read as something
else than was written, or code was run.
"""

import json
import os
import pickle
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import traceback
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pandas as pd
import psutil
import scipy.io
import torch
from PIL import Image
from safetensors.numpy import save_file

from forged_model import seal_again
from keep_models import CPU, KINDS, STOPPED, fit_of, kept
from pare.config import PareError
from pare.config.raw import OWN_FILES, RawConfig
from pare.config.schema import ReaderConfig
from pare.data.formats.pickles import load_pickle
from pare.data.origins.ingest import ingest
from pare.data.origins.manifest import RawFolder
from pare.data.own.findings import Question
from pare.data.own.look import inspect_files
from pare.data.registries import open_raw_files
from pare.learners.model import Model
from pare.learners.networks.models import load_backbone
from pare.storage.fingerprint import fingerprint
from pare.storage.hdf5 import read_predictions, write_predictions
from pare.storage.store import ArrayStore

MEMORY, BATCH = 2 << 30, 200  # more bytes than before, inputs in one process
COMPUTED, WAITED = 30, 600  # seconds for one input: of this process, and of a clock that other programs slow down
X, Y = np.random.default_rng(0).normal(size=(60, 2, 8)).astype(np.float32), np.arange(60) % 3
ARRAYS = {"x": X, "y": Y}
TABLE = pd.DataFrame(X[:, 0, :3], columns=["mass", "height", "age"])
TABLE["site"], TABLE["kind"] = np.where(Y, "north", "south"), np.array(["fir", "oak", "elm"])[Y]
TABLE["day"] = pd.date_range("2024-01-02", periods=60).astype(str)
EXTREMES = [None, -1, 0, 1e308, 2**31, 2**63, "x" * 999, "../../../etc/passwd", "/dev/zero", [], {}, True, float("nan")]
TEXTS = (b"\n\n\n\n", b'"', b",,,,", b"9" * 99, b"\0" * 4, b"nan,", b"-1e999")
CANARY = "canary"


@dataclass(frozen=True)
class Bytes:
    """Files that are damaged and read.

    Attributes:
        write: writes whole ones into a folder.
        read: reads them; its value is compared where the files are stored ones.
        damage: changes them.
        compared: whether they are stored ones.
    """

    write: Callable[[Path], object]
    read: Callable[[Path], object]
    damage: Callable[[Path, random.Random], None]
    compared: bool = False


def look_and_read(folder: Path, target: str = "") -> None:
    """What `kedro tasks new` and a run make of a user's files."""
    paths = sorted(folder.iterdir())
    found = inspect_files(paths, Question(target=(target,) if target else ()))
    for part in open_raw_files(ReaderConfig(name=found.reader, options=found.options), folder).values():
        part.read(0, part.count)


# ---- damage


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def flip(folder: Path, rng: random.Random) -> None:
    """One bit of one file, as a disk would; larger files are hit more often."""
    files = _files(folder)
    path = rng.choices(files, [file.stat().st_size for file in files])[0]
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def mutate(folder: Path, rng: random.Random) -> None:
    """Truncate, flip, splice or overwrite a file in one to four places."""
    path = rng.choice(_files(folder))
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at, length = rng.randrange(len(content) + 1), rng.randint(1, 64)
        other = rng.randrange(len(content) + 1)
        match rng.randrange(7):
            case 0:
                del content[at:]
            case 1:
                content[at : at + 1] = bytes([rng.randrange(256)])
            case 2:
                content[at : at + length] = content[other : other + length]
            case 3:
                content[at:at] = content[other : other + length] * rng.choice((1, 1, 1, 100))
            case 4:
                content[at : at + 8] = struct.pack("<q", rng.choice((0, -1, 2**31 - 1, 2**62, rng.getrandbits(62))))
            case 5:
                content[at : at + 4] = rng.choice(TEXTS)
            case 6:
                del content[at : at + length]
    path.write_bytes(content)


def mutate_model(folder: Path, rng: random.Random) -> None:
    """Change a stranger's model, whose digests are the stranger's own: bytes, or a value of a JSON file."""
    path = rng.choice(_files(folder))
    if path.suffix == ".json" and rng.random() < 0.8:
        content = json.loads(path.read_text())
        _change_value(content, rng)
        path.write_text(json.dumps(content))
    else:
        mutate(path.parent if len(_files(path.parent)) == 1 else folder, rng)
    seal_again(folder)


def _change_value(content: Any, rng: random.Random) -> None:
    inner = content
    while isinstance(inner, (dict, list)) and inner:
        content, key = inner, rng.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        inner = content[key]
        if rng.random() < 0.1:
            break
    if isinstance(content, (dict, list)) and content:
        content[key] = rng.choice(EXTREMES)


# ---- whole files


def _sounds(folder: Path, kind: str) -> None:
    for name in ("low", "high"):
        (folder / "clips" / name).mkdir(parents=True)
        for number in range(4):
            with wave.open(str(folder / "clips" / name / f"{number}.{kind}"), "wb") as file:
                file.setparams((1, 2, 8000, 400, "NONE", ""))
                file.writeframes((X[number, 0] * 900).astype("<i2").tobytes() * 50)


def _images(folder: Path, kind: str) -> None:
    for name in ("cat", "dog"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.random.default_rng(number).integers(0, 255, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number}.{kind}")


def _hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X, chunks=(10, 2, 8), compression="gzip")
        file["y"] = Y


def _netcdf(path: Path) -> None:
    with scipy.io.netcdf_file(path, "w") as file:
        for name, size in (("row", 60), ("channel", 2), ("point", 8)):
            file.createDimension(name, size)
        file.createVariable("x", "f4", ("row", "channel", "point"))[:] = X
        file.createVariable("y", "i4", ("row",))[:] = Y


def _ts(path: Path) -> None:
    rows = "\n".join(":".join(",".join(f"{v:.3f}" for v in c) for c in x) + f":{y}" for x, y in zip(X, Y, strict=True))
    head = (
        "@problemName p\n@univariate false\n@dimensions 2\n@equalLength true\n@seriesLength 8\n@classLabel true 0 1 2\n"
    )
    path.write_text(f"{head}@data\n{rows}\n")


def _arff(path: Path) -> None:
    columns = "\n".join(f"@attribute {name} numeric" for name in TABLE.columns[:3])
    rows = TABLE.iloc[:, :3].assign(kind=TABLE["kind"]).to_csv(index=False, header=False)
    path.write_text(f"@relation r\n{columns}\n@attribute kind {{fir,oak,elm}}\n@data\n{rows}")


def _readers() -> dict[str, Bytes]:
    tables = {
        "csv": lambda f: TABLE.to_csv(f / "t.csv", index=False),
        "csv.gz": lambda f: TABLE.to_csv(f / "t.csv.gz", index=False),
        "jsonl": lambda f: TABLE.to_json(f / "t.jsonl", orient="records", lines=True),
        "xlsx": lambda f: TABLE.to_excel(f / "t.xlsx", index=False),
        "parquet": lambda f: TABLE.to_parquet(f / "t.parquet"),
        "feather": lambda f: TABLE.to_feather(f / "t.feather"),
        "arff": lambda f: _arff(f / "t.arff"),
    }
    arrays = {
        "npz": lambda f: np.savez_compressed(f / "f.npz", **ARRAYS),
        "npy": lambda f: [np.save(f / f"{name}.npy", array) for name, array in ARRAYS.items()],
        "mat": lambda f: scipy.io.savemat(f / "f.mat", {"x": X, "y": Y[:, None]}, do_compression=True),
        "hdf5": lambda f: _hdf5(f / "f.h5"),
        "netcdf": lambda f: _netcdf(f / "f.nc"),
        "safetensors": lambda f: save_file(ARRAYS, f / "f.safetensors"),
        "torch": lambda f: torch.save({name: torch.from_numpy(array) for name, array in ARRAYS.items()}, f / "f.pt"),
    }
    kinds = ("png", "jpg", "bmp", "gif", "tiff", "webp")
    folders = {kind: partial(_images, kind=kind) for kind in kinds} | {"wav": partial(_sounds, kind="wav")}
    folders |= {"ts": lambda f: _ts(f / "p.ts")}
    content = {"a": X[:3], "b": [1, "text"], "c": f"cposix\nmkdir\n(V{CANARY}\ntR."}
    readers = {name: partial(look_and_read, target="kind") for name in tables}
    readers |= {name: partial(look_and_read, target="y") for name in arrays}
    found: dict[str, Callable[[Path], object]] = tables | arrays | folders
    readers["pickle"] = lambda f: load_pickle(f / "p.pkl")
    found["pickle"] = lambda f: (f / "p.pkl").write_bytes(pickle.dumps(content))
    return {name: Bytes(write, readers.get(name, look_and_read), mutate) for name, write in found.items()}


def _rows(path: Path) -> str:
    store = ArrayStore(path)
    parts = [store.rows(part).read(0, 99) for part in ("train", "validation", "test")]
    arrays = [{name: array.tolist() for name, array in part.items()} for part in parts]
    return fingerprint(arrays, store.fingerprint, store.description)


def _outputs(folder: Path, *, own: bool = True) -> str:
    model = Model.load(folder / "model", own=own)
    return fingerprint(model.outputs(np.load(folder.parent / "rows.npz")["x"], CPU).tolist(), model.record, model.run)


def _encoder(folder: Path) -> str:
    opened = RawFolder.open(folder)
    opened.check()
    state = load_backbone(opened.path, (4,)).state_dict()
    manifest = opened.manifest.model_dump(mode="json", exclude={"retrieved"})
    return fingerprint({name: value.tolist() for name, value in state.items()}, manifest)


def _ingested(folder: Path) -> None:
    ingest(RawConfig(origin="hub_encoder", options={"id": str(kept() / "source" / "encoder")}, licence="none"), folder)


def _own_table(folder: Path) -> None:
    TABLE.to_csv(folder / "t.csv", index=False)
    ingest(RawConfig(origin=OWN_FILES, options={"files": [str(folder / "t.csv")]}, licence="none"), folder)


def _raw_rows(folder: Path) -> str:
    opened = RawFolder.open(folder)
    opened.check()
    options = {"target": "kind", "dates": {"day": "2024-01-02"}}
    rows = open_raw_files(ReaderConfig(name="table", options=options), opened.path)["all"]
    arrays = [array.tolist() for array in rows.read(0, rows.count)]
    return fingerprint(arrays, opened.manifest.model_dump(mode="json", exclude={"retrieved"}))


def _resumed(folder: Path) -> str:
    with TemporaryDirectory() as name:
        model = fit_of(STOPPED, Path(name), kept() / "source").model(folder / "checkpoint")
        return fingerprint(model.outputs(np.load(kept() / STOPPED / "rows.npz")["x"], CPU).tolist())


def _stored() -> dict[str, Bytes]:
    checkpoint = lambda f: shutil.copytree(kept() / "checkpoint", f / "checkpoint")  # noqa: E731
    kinds: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
        "model input": (lambda f: fit_of("lightgbm", f, kept() / "source"), lambda f: _rows(f / "table.h5")),
        "predictions": (
            lambda f: write_predictions(f / "p.h5", {"prediction": X}),
            lambda f: fingerprint(read_predictions(f / "p.h5")["prediction"].tolist()),
        ),
        "raw table": (_own_table, _raw_rows),
        "raw encoder": (_ingested, _encoder),
        "checkpoint": (checkpoint, _resumed),
    }
    return {name: Bytes(write, read, flip, compared=True) for name, (write, read) in kinds.items()}


def _models() -> tuple[dict[str, Bytes], dict[str, Bytes]]:
    """Model folders that a stranger changed, and those that a disk damaged."""

    def copy(kind: str, folder: Path) -> None:
        shutil.copytree(kept() / kind / "model", folder / "model")
        shutil.copy(kept() / kind / "rows.npz", folder.parent)

    kinds = (*KINDS, "ensemble")
    strange = {
        f"model of {kind}": Bytes(partial(copy, kind), partial(_outputs, own=False), mutate_model) for kind in kinds
    }
    return strange, {name: Bytes(one.write, _outputs, flip, compared=True) for name, one in strange.items()}


def all_kinds() -> dict[str, dict[str, Bytes]]:
    """All kinds of bytes by the name of their damage."""
    strange, damaged = _models()
    return {"generated": _readers(), "changed": strange, "flipped": _stored() | damaged}


# ---- trials


def tried(kind: Bytes, trials: Sequence[Any], folder: Path) -> Iterator[dict[str, str]]:
    """The line of each trial; forked processes read, and one that ends before its time is followed by another."""
    whole = folder / "whole" / "files"
    shutil.rmtree(folder, ignore_errors=True)
    whole.mkdir(parents=True)
    kind.write(whole)
    left = [trial.key for trial in trials]
    while left:
        batch = left[:BATCH]
        reading, writing = os.pipe()
        if not (process := os.fork()):
            os.close(reading)
            _child(kind, batch, whole, folder, writing)
        os.close(writing)
        with os.fdopen(reading) as lines:
            done = [json.loads(line) for line in lines]
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        yield from done
        left = left[len(done) :]
        if status:
            limits = {-signal.SIGPROF: f"more than {COMPUTED} s computed", -signal.SIGALRM: f"{WAITED} s waited"}
            why = limits.get(status, f"the process ends with {status}")
            yield {"key": left.pop(0), "outcome": "unclear", "why": why}


def _child(kind: Bytes, keys: list[str], whole: Path, folder: Path, writing: int) -> None:
    """Never returns."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        subprocess.run = _forked  # of trials of boosters, each of which would import for a second
        first = kind.read(whole)
        most = psutil.Process().memory_info().vms + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        for key in keys:
            shutil.rmtree(folder / "work", ignore_errors=True)
            place = shutil.copytree(whole.parent, folder / "work") / "files"
            os.chdir(folder / "work")
            kind.damage(place, random.Random(key))
            signal.setitimer(signal.ITIMER_PROF, COMPUTED)
            signal.alarm(WAITED)
            outcome, why = _outcome(kind, place, first)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
            if Path(CANARY).exists():
                outcome, why = "wrong", "code was run"
            os.write(writing, json.dumps({"key": key, "outcome": outcome, "why": why}).encode() + b"\n")
        os._exit(0)
    finally:
        os._exit(1)


def _forked(command: Sequence[str], timeout: int, **_: Any) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` returns of a program in Python, by a fork, which has its libraries already."""
    reading, writing = os.pipe()
    if not (process := os.fork()):
        os.dup2(writing, 2)
        sys.argv = list(command[2:])
        signal.alarm(timeout)
        try:
            exec(command[2], {})
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as said:
        text = said.read()
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), "", text)


def _outcome(kind: Bytes, place: Path, first: object) -> tuple[str, str]:
    try:
        found = kind.read(place)
    except PareError:
        return "detected", ""
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/pare/" in frame.filename]
        where = f"{frames[-1].filename.rpartition('/pare/')[2]}:{frames[-1].lineno}" if frames else "?"
        return "unclear", f"{type(error).__name__} at {where}: {str(error)[:200]}"
    return ("wrong", "read as something else") if kind.compared and found != first else ("unharmed", "")
