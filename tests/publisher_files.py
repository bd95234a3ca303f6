"""Raw files in their publishers' layouts, a few rows a part, written without any code of the project."""

import gzip
import hashlib
import inspect
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import publisher_fields
import publisher_sounds
from publisher_archives import add_npy, write_tar_gz
from publisher_pickles import numpy1_object_npy, numpy1_pickle, python2_pickle

# ---------------------------------------------------------------------- psicov, cosmic


def _chain(draw: np.random.Generator, length: int) -> np.ndarray:
    """Residues of a compact chain, ``(length, 3)`` in Å: steps of 3.8 Å that are pulled back to the middle."""
    points = np.zeros((length, 3))
    for i in range(1, length):
        step = draw.normal(size=3) - 0.15 * points[i - 1]
        points[i] = points[i - 1] + 3.8 * step / np.linalg.norm(step)
    return points


def write_psicov(folder: Path, rows: int = 12, lengths: tuple[int, int] = (40, 60), seed: int = 0) -> dict:
    """``protein.zip`` of NAS-Bench-360 with as many proteins a part.

    Returns:
        Per part a list of proteins: their names, features and distances as stored.
    """
    draw = np.random.default_rng(seed)
    written: dict[str, list] = {}
    with zipfile.ZipFile(folder / "protein.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in ("deepcov", "psicov", "cameo"):
            proteins = written[part] = []
            for i in range(rows):
                n = int(draw.integers(*lengths, endpoint=True))
                points = _chain(draw, n)
                protein = {
                    "name": f"{part[0]}{i}xyA",
                    "features": {
                        "seq": "".join(draw.choice(list("ACDEFGHIKLMNPQRSTVWY"), n)),
                        "ss": draw.random((3, n)),
                        "pssm": draw.integers(-9, 10, (n, 22)).astype(float),
                        "sa": draw.random(n),
                        "entropy": draw.random(n),
                        "ccmpred": draw.random((n, n)),
                        "freecon": draw.normal(size=(n, n)),
                        "potential": draw.normal(size=(n, n)),
                    },
                    "distances": np.linalg.norm(points[:, None] - points, axis=2),
                }
                proteins.append(protein)
                archive.writestr(f"{part}/features/{protein['name']}.pkl", pickle.dumps(protein["features"], 2))
                triple = np.empty(3, object)
                triple[:] = [n, protein["features"]["seq"], protein["distances"]]
                content = io.BytesIO()
                np.save(content, triple, allow_pickle=True)
                archive.writestr(f"{part}/distance/{protein['name']}-cb.npy", content.getvalue())
            # A line of the list has more than the name.
            lines = [f"{p['name']} {len(p['distances'])}\n" for p in proteins]
            archive.writestr(f"{part}.lst", "".join(lines))
    return written


def write_cosmic(folder: Path, rows: int = 12, edge: int = 256, seed: int = 0) -> dict:
    """Both archives of NAS-Bench-360's Cosmic: as many images of F435W a part, from two visits, and two of F606W.

    Returns:
        Per part the planes ``(2 or 3, edge, edge)`` by ``program/visit/file``, and ``sky``, the levels by visit.
    """
    draw = np.random.default_rng(seed)
    written: dict[str, dict] = {}
    visits = {"train": ("10760/2", "9490/a3"), "test": ("12513/2", "9694/6")}
    for part, (first, second) in visits.items():
        written[part] = {"sky": {}}
        with tarfile.open(folder / f"deepCR.ACS-WFC.{part}.tar", "w") as archive:
            for filter_name, count in (("f435w", rows), ("f606w", 2)):
                for v, visit in enumerate((first, second)):
                    levels = draw.uniform(20, 60, 4)
                    place = f"npy_{part}/{filter_name}/{visit}"
                    add_npy(archive, f"{place}/sky.npy", levels)
                    for i in range(v, count, 2):
                        image = draw.normal(levels[i % 4], 5, (edge, edge))
                        mask = (draw.random((edge, edge)) < 0.02).astype(float)
                        image[mask == 1] += 300
                        planes = [image, mask]
                        if v == 0:  # the other visit has no plane of ignored pixels
                            planes.append((draw.random((edge, edge)) < 0.05).astype(float))
                        file = f"{i % 4 + 1}_{i}.npy"
                        add_npy(archive, f"{place}/{file}", np.array(planes, np.float32))
                        if filter_name == "f435w":
                            written[part][f"{visit}/{file}"] = np.array(planes, np.float32)
                    if filter_name == "f435w":
                        written[part]["sky"][visit] = levels
    return written


# -------------------------------------------------- cifar100, spherical, ninapro, ecg, satellite, deepsea


def write_cifar100(folder: Path, rows: int = 12, seed: int = 0) -> dict:
    """``cifar-100-python.tar.gz`` of the University of Toronto with as many images a part.

    Returns:
        Per member ``train``, ``test`` and ``meta`` the dictionary in it.
    """
    draw = np.random.default_rng(seed)
    fine = [f"thing_{i}" for i in range(100)]
    written: dict[str, dict] = {
        part: {
            "filenames": [f"{part}_s_{i:06d}.png" for i in range(rows)],
            "batch_label": f"{part}ing batch 1 of 1",
            "fine_labels": draw.integers(0, 100, rows).tolist(),
            "coarse_labels": draw.integers(0, 20, rows).tolist(),
            "data": draw.integers(0, 256, (rows, 3072), dtype=np.uint8),
        }
        for part in ("train", "test")
    }
    written["meta"] = {"fine_label_names": fine, "coarse_label_names": [f"kind_{i}" for i in range(20)]}
    members = {f"cifar-100-python/{name}": python2_pickle(content) for name, content in written.items()}
    write_tar_gz(folder / "cifar-100-python.tar.gz", {"cifar-100-python/file.txt~": b""} | members)
    return written


def write_spherical(folder: Path, rows: int = 12, seed: int = 0) -> dict:
    """``s2_cifar100.gz`` of NAS-Bench-360 with as many images a part.

    Returns:
        Per part ``images`` and ``labels``.
    """
    draw = np.random.default_rng(seed)
    written = {
        part: {
            "images": draw.integers(0, 256, (rows, 3, 60, 60), dtype=np.uint8),
            "labels": draw.integers(0, 100, rows),
        }
        for part in ("train", "test")
    }
    (folder / "s2_cifar100.gz").write_bytes(gzip.compress(numpy1_pickle(written)))
    return written


def write_ninapro(folder: Path, rows: int = 12, seed: int = 0) -> dict:
    """The six files of NAS-Bench-360's NinaPro DB5 with as many windows a part.

    Returns:
        Their arrays by file name without ending.
    """
    draw = np.random.default_rng(seed)
    written = {}
    for part in ("train", "val", "test"):
        written[f"ninapro_{part}"] = np.abs(draw.normal(0, 5, (rows, 52, 16)))
        written[f"label_{part}"] = draw.integers(0, 18, rows).astype(np.float64)
    for name, array in written.items():
        np.save(folder / f"{name}.npy", array)
    return written


def write_ecg(folder: Path, rows: int = 12, seed: int = 0) -> dict:
    """``challenge2017.pkl`` of NAS-Bench-360 with at least as many windows a part, 3 to 5 of a recording.

    Returns:
        ``data``, an object array of recordings (int16), and ``label``, their letters.
    """
    draw = np.random.default_rng(seed)
    strides = {"N": 500, "A": 83, "O": 250, "~": 25}
    recordings, labels = [], draw.choice(list(strides), 10 * -(-rows // 3))
    for label in labels:
        length = 1000 + int(draw.integers(2 * strides[label] + 1, 5 * strides[label], endpoint=True))
        beats = 200 * np.sin(np.arange(length) * draw.uniform(0.01, 0.05))
        recordings.append((beats + draw.normal(draw.uniform(-9, 9), 20, length)).astype(np.int16))
    data = np.empty(len(recordings), object)
    data[:] = recordings
    written = {"data": data, "label": labels.astype(object)}
    (folder / "challenge2017.pkl").write_bytes(numpy1_pickle(written))
    return written


def write_satellite(folder: Path, rows: int = 12, seed: int = 0) -> dict:
    """Both files of NAS-Bench-360's Satellite with as many series a part.

    Returns:
        Per part ``data`` and ``label``.
    """
    draw = np.random.default_rng(seed)
    written = {}
    for part in ("train", "test"):
        data, label = draw.normal(0.4, 0.2, (rows, 46)), draw.integers(1, 25, rows)
        written[part] = {"data": data, "label": label}
        (folder / f"satellite_{part}.npy").write_bytes(numpy1_object_npy(written[part]))
    return written


def write_deepsea(folder: Path, rows: int = 12, seed: int = 0) -> dict:
    """``deepsea_filtered.npz`` of NAS-Bench-360 with as many sequences a part.

    Returns:
        Its arrays by name.
    """
    draw = np.random.default_rng(seed)
    written = {}
    for part in ("train", "val", "test"):
        written[f"x_{part}"] = np.eye(4, dtype=np.uint8)[draw.integers(0, 4, (rows, 1000))]
        written[f"y_{part}"] = (draw.random((rows, 36)) < 0.3).astype(np.uint8)
    np.savez(folder / "deepsea_filtered.npz", **written)
    return written


# ---------------------------------------------------------------------- openml

# How many columns of the tables of OpenML-CC18 are nominal, of those that have any.
OPENML_NOMINAL = {
    23: 7, 29: 9, 31: 13, 50: 9, 188: 5, 469: 4, 1480: 1, 6332: 19, 23381: 11, 40975: 6
}  # fmt: skip
OPENML_LEVELS = ["no", "yes", "5more", "'no checking'", "'<0'", r"'it\'s, 100% fine'"]
OPENML_LEVELS_READ = ["no", "yes", "5more", "no checking", "<0", "it's, 100% fine"]


def write_openml(folder: Path, task, rng: np.random.Generator, rows: int) -> dict:
    """``dataset.arff`` and ``dataset.json`` as of OpenML, with the columns that a task declares, some values missing.

    Numbers come first and rise with the class; nominal columns follow, whose first level no row has.

    Args:
        folder: where the files are written.
        task: tells the number of features and classes, and OpenML's number, target and ignored columns.
        rng: draws the values.
        rows: number of rows; every class occurs if there are as many.

    Returns:
        ``x`` (rows, features) float32 with codes for levels, ``y`` (rows,), ``categories`` per feature.
    """
    said = task.raw.origins["openml_dataset"].options
    (features,), (classes,) = task.input.shape, task.output.shape
    numbers = features - OPENML_NOMINAL.get(said["id"], 0)
    y = rng.permutation(np.arange(rows) % classes)
    x = np.round(rng.normal(size=(rows, features)) + y[:, None], 3).astype(np.float32)
    x[:, numbers:] = rng.integers(1, len(OPENML_LEVELS), (rows, features - numbers))
    x[rng.random(x.shape) < 0.05] = np.nan
    x[0] = np.nan_to_num(x[0], nan=1)  # no column is wholly missing
    levels = ", ".join(OPENML_LEVELS)
    ignored = said.get("ignored", [])
    lines = ["% A header as OpenML's files have it", "@RELATION 'a table'", ""]
    lines += [f"@ATTRIBUTE '{name}' STRING" for name in ignored]
    lines += [f"@attribute F{i + 1} {'REAL' if i < numbers else f'{{{levels}}}'}" for i in range(features)]
    lines += [f"@ATTRIBUTE {said['target']} {{{','.join(f'c{k}' for k in range(classes))}}}", "", "@DATA"]
    for values, label in zip(x, y, strict=True):
        cells = [f"row{len(lines)}" for _ in ignored]
        for i, value in enumerate(values):
            cells.append("?" if np.isnan(value) else f"{value:.3f}" if i < numbers else OPENML_LEVELS[int(value)])
        lines.append(",".join([*cells, f"c{label}"]))
    content = "\n".join(lines) + "\n"
    (folder / "dataset.arff").write_text(content, encoding="utf-8")
    description = {
        "id": said["id"],
        "name": said["name"],
        "version": 1,
        "default_target": said["target"],
        "md5": hashlib.md5(content.encode()).hexdigest(),
        "licence": "Public",
        "ignored": ignored,
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    categories = [None if i < numbers else OPENML_LEVELS_READ for i in range(features)]
    return {"x": x, "y": y, "categories": categories}


# ---------------------------------------------------------------------- ucr


def write_ucr(folder: Path, task, rng: np.random.Generator, rows: int) -> dict[str, list]:
    """Both ``.ts`` files of a set of the UCR or UEA archive, with a task's channels and classes.

    Where the task says what follows shorter series, their lengths differ: from 2 points to those of the task.

    Returns:
        Per part its rows in their order: the series ``(channels, points)`` and the class's name.
    """
    (channels, points), (classes,) = task.input.shape, task.output.shape
    names, written = [f"Class{k}" for k in range(classes)], {}
    for part in ("TRAIN", "TEST"):
        lengths = rng.integers(2, points, rows, endpoint=True) if "fill" in task.reader.options else [points] * rows
        series = [rng.normal(size=(channels, length)).astype(np.float32) for length in lengths]
        written[part] = list(zip(series, [names[i % classes] for i in range(rows)], strict=True))
        lines = ["#A set of the archive", "", "@problemName Set", "@timeStamps false", "@univariate true"]
        lines += [f"@classLabel true {' '.join(names)}", "@data"]
        for values, label in written[part]:
            lines.append(":".join([*(",".join(map(str, channel)) for channel in values), label]))
        (folder / f"Set_{part}.ts").write_text("\n".join(lines) + "\n")
    return written


# -------------------------------------------------------------------------------------- minidomainnet


def write_minidomainnet(folder: Path, domain: str, rows: dict[str, int], rng: np.random.Generator) -> dict[str, list]:
    """DomainNet's archive of a domain and miniDomainNet's two lists, with as many rows a list in three classes.

    Pictures differ in size, one in four is grey, and each is of one colour that no other has. The archive holds one
    more picture, and a class more, than the lists.

    Returns:
        Per list its rows in its order: path in the archive, label, and colour.
    """
    classes = ["airplane", "bird", "zebra"]
    written: dict[str, list] = {}
    with zipfile.ZipFile(folder / f"{domain}.zip", "w") as archive:
        for part, count in rows.items():
            written[part] = []
            for i in range(count):
                label = i * len(classes) // count  # the lists go by class
                name = f"{domain}/{classes[label]}/{domain}_{label:03d}_{i:06d}_{part}.png"
                size = tuple(rng.integers(20, 60, 2).tolist())
                grey = i % 4 == 3
                colour = (np.repeat(rng.integers(256), 3) if grey else rng.integers(0, 256, 3)).tolist()
                picture = Image.new("L", size, colour[0]) if grey else Image.new("RGB", size, tuple(colour))
                _add_picture(archive, name, picture)
                written[part].append((name, label, colour))
            lines = [f"{name} {label}\n" for name, label, _ in written[part]]
            (folder / f"{domain}_{part}_mini.txt").write_text("".join(lines))
        _add_picture(archive, f"{domain}/zigzag/{domain}_344_000001.png", Image.new("RGB", (9, 9)))
    return written


def _add_picture(archive: zipfile.ZipFile, name: str, picture: Image.Image) -> None:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    archive.writestr(name, stream.getvalue())


# ---------------------------------------------------------------------- the files of any task


BY_SUITE = {
    "OpenML-CC18": lambda folder, task, rng: write_openml(folder, task, rng, rows=160),
    "UCR": lambda folder, task, rng: write_ucr(folder, task, rng, rows=110),  # so that each class can be divided
    "miniDomainNet": lambda folder, task, rng: write_minidomainnet(
        folder, task.reader.options["domain"], {"train": 12, "test": 12}, rng
    ),
}


def write_files(name: str, task, folder: Path) -> None:
    """A task's raw files as its publisher would give them, a dozen rows a part: by ``write_<task>``, or its suite's."""
    rng = np.random.default_rng(0)
    places = {**vars(publisher_fields), **vars(publisher_sounds), **globals()}
    write = places.get(f"write_{name}")
    if write is None and task.suite not in BY_SUITE:
        pytest.fail(
            f"nothing writes small raw files of task {name!r}: add write_{name}(folder, rows, rng) to "
            "tests/publisher_files.py, which writes as many rows a part in the layout of the publisher's files"
        )
    if write is None:
        BY_SUITE[task.suite](folder, task, rng)
    else:
        known = inspect.signature(write).parameters
        write(folder, **{key: value for key, value in {"rows": 12, "rng": rng}.items() if key in known})
