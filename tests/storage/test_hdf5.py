"""HDF5 files on a disk that is full for a moment or for good: each writer ends with the exact file or with an error."""

import os
import resource
import signal
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import pare
from pare.config.errors import PareError
from pare.data.formats.matlab import write_mat73
from pare.paper.simulators.pdebench_files import write_grouped, write_stacked
from pare.storage.atomic import atomic_path
from pare.storage.hdf5 import new_hdf5, read_predictions, write_predictions
from pare.storage.store import write_store

CODE = str(Path(pare.__file__).parent)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 7)).astype(np.float32), np.arange(40) % 3
FIELDS = [{"a": field, "b": field + 1} for field in RNG.normal(size=(3, 8, 8))]


def store(path, compress=False):
    blocks = [
        (split, {"x": X[rows], "y": Y[rows]}) for split in ("train", "test") for rows in (slice(25), slice(25, 40))
    ]
    options = {"statistics": {"x_mean": np.arange(7.0)}, "fingerprint": "f", "description": {"task": "t"}}
    with atomic_path(path) as unfinished:
        write_store(unfinished, rows={"train": 40, "test": 40}, blocks=blocks, compress=compress, **options)


def matlab(path):
    with atomic_path(path) as unfinished:
        write_mat73(unfinished, 8, 3, FIELDS)


WRITERS = {
    "store": store,
    "compressed store": lambda path: store(path, compress=True),
    "predictions": lambda path: write_predictions(path, {"prediction": X, "truth": Y}),
    "stacked": lambda path: write_stacked(path, FIELDS, 3, {"x": np.arange(8)}, {"beta": 0.4}),
    "grouped": lambda path: write_grouped(path, [{"data": X[:, :, None]}, {"data": X[::-1, :, None]}, 0], {"x": Y}),
    "matlab": matlab,
}


def without_space(write, path, line, ever):
    """Run a writer; while it is at one line of its code, or from there on, no file may have a byte.

    Returns how it ended, or an empty text where it has fewer lines.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    done = 0

    def trace(frame, event, _):
        nonlocal done
        if not frame.f_code.co_filename.startswith(CODE):
            return None
        if event == "line":
            done += 1
            full = done >= line if ever else done == line
            resource.setrlimit(resource.RLIMIT_FSIZE, (0 if full else hard, hard))
        return trace

    sys.settrace(trace)
    try:
        write(path)
        end = "file"
    except (PareError, OSError):
        end = "error"
    finally:
        sys.settrace(None)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    return end if done >= line else ""


def ends(write, folder, ever):
    """How a writer ends at each line where the disk may be full, as far as what is at its path agrees with that."""
    write(folder / "whole" / "f.h5")
    expected, found = (folder / "whole" / "f.h5").read_bytes(), []
    for line in range(1, 2000):
        path = folder / str(line) / "f.h5"
        end = without_space(write, path, line, ever)
        if not end:
            break
        there = ("file" if path.read_bytes() == expected else "another file") if path.exists() else "error"
        found.append(end if end == there else f"line {line}: {end}, but there is {there}")
    return found


@pytest.mark.parametrize("ever", [False, True], ids=["for a moment", "for good"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_gives_an_error_or_the_exact_file(tmp_path, name, ever):
    report = tmp_path / "report"
    child = os.fork()  # where HDF5 crashes, it ends the process
    if not child:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            report.write_text("\n".join(ends(WRITERS[name], tmp_path, ever)))
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "it was ended by this signal"
    found = Counter(report.read_text().split("\n"))
    assert found.keys() == {"error", "file"} and min(found.values()) > 3


def test_an_error_within_the_block_stays_what_it_is(tmp_path):
    with pytest.raises(KeyError, match="mine"), new_hdf5(tmp_path / "x.h5") as new:
        new.write("x", X)
        raise KeyError("mine")


def test_a_disk_that_is_full_is_told_in_one_sentence():
    message = r"^cannot write full \(No space left on device\); free space on its disk$"
    with pytest.raises(PareError, match=message), new_hdf5(Path("/dev/full")):
        pass


def test_arrays_are_read_as_they_were_written(tmp_path):
    arrays = {"truth": np.arange(3), "prediction": np.array([[0.5, 1.5]], np.float32)}
    write_predictions(tmp_path / "p.h5", arrays)
    found = read_predictions(tmp_path / "p.h5")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_file_that_is_missing_or_half_is_told(tmp_path):
    with pytest.raises(PareError, match="missing or damaged"):
        read_predictions(tmp_path / "p.h5")
    (tmp_path / "p.h5").write_text("half")
    with pytest.raises(PareError, match="missing or damaged"):
        read_predictions(tmp_path / "p.h5")
