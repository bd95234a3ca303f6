"""PDEBench's readers on files in the publisher's layouts, and on those that users really have."""

import tracemalloc
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

import publisher_fields
from pare.config.errors import PareError
from pare.config_loader import load_library
from pare.data.registries import ORIGINS, bind_options, open_raw_files
from pare.paper.readers.pdebench import pdebench_stacked
from shipped import config_loader
from users_files import all_rows, read

PDEBENCH = [
    "pdebench_advection",
    "pdebench_burgers",
    "pdebench_diffusion_reaction_1d",
    "pdebench_diffusion_sorption",
    "pdebench_navier_stokes_1d",
    "pdebench_darcy",
    "pdebench_shallow_water",
    "pdebench_diffusion_reaction_2d",
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def libraries(library):
    return {"base": library, "paper": load_library(config_loader("paper"))}


@pytest.mark.parametrize("name", PDEBENCH)
@pytest.mark.parametrize(("environment", "cells"), [("base", {}), ("paper", {1: 1024, 2: 128})])
def test_every_task_reads_its_publishers_file_in_the_shapes_that_it_declares(
    name, environment, cells, libraries, tmp_path, rng
):
    task = libraries[environment].task(name)
    dimensions = len(task.input.shape) - 1
    size = {"cells": cells[dimensions]} if cells else {}
    getattr(publisher_fields, f"write_{name}")(tmp_path, 2 if cells else 12, rng, **size)
    parts = open_raw_files(task.reader, tmp_path)
    assert {part: samples.count for part, samples in parts.items()} == {"train": 1 if cells else 11, "test": 1}
    for samples in parts.values():
        x, y = all_rows(samples)
        assert x.shape == (samples.count, *task.input.shape) and y.shape == (samples.count, *task.output.shape)
        assert x.dtype == y.dtype == np.float32


@pytest.mark.parametrize("name", ["pdebench_diffusion_sorption", "pdebench_navier_stokes_1d", "pdebench_darcy"])
def test_a_simulated_file_is_read_by_the_same_reader(name, library, tmp_path):
    task = library.task(name)
    chosen = task.raw.active
    bring = bind_options(
        "origin", chosen.origin, ORIGINS[chosen.origin].load(), chosen.options | {"samples": 2, "resolution": 16}
    )
    bring(tmp_path)
    parts = open_raw_files(task.reader, tmp_path)
    for samples in parts.values():
        x, y = all_rows(samples)
        assert x.shape[:2] == (1, task.input.shape[0]) and np.isfinite(x).all() and np.isfinite(y).all()


def test_the_first_tenth_of_stacked_rows_is_the_test_part(tmp_path, rng):
    stored = publisher_fields.write_pdebench_advection(tmp_path, 20, rng, cells=8)["tensor"]
    parts = pdebench_stacked(tmp_path, target_time=200)
    for part, rows in (("test", stored[:2]), ("train", stored[2:])):
        x, y = all_rows(parts[part])
        np.testing.assert_array_equal(x[:, 0], rows[:, 0])
        np.testing.assert_array_equal(y[:, 0], rows[:, 200])
    np.testing.assert_array_equal(parts["train"].read(3, 7)[1][:, 0], stored[5:9, 200])


def test_the_last_tenth_of_grouped_rows_is_the_test_part(tmp_path, rng):
    stored = publisher_fields.write_pdebench_diffusion_sorption(tmp_path, 20, rng, cells=8)["data"]
    parts = read("pdebench_grouped", tmp_path, target_time=99)
    for part, rows in (("train", stored[:18]), ("test", stored[18:])):
        x, y = all_rows(parts[part])
        np.testing.assert_array_equal(x[:, 0], rows[:, 0, :, 0])
        np.testing.assert_array_equal(y[:, 0], rows[:, 99, :, 0])
    np.testing.assert_array_equal(parts["test"].read(1, 2)[0][0, 0], stored[19, 0, :, 0])


def test_a_read_does_not_run_into_the_other_part(tmp_path, rng):
    publisher_fields.write_pdebench_diffusion_sorption(tmp_path, 20, rng, cells=8)
    assert len(read("pdebench_grouped", tmp_path, target_time=1)["train"].read(16, 64)[0]) == 2


def test_variables_become_channels_in_units_of_their_scales(tmp_path, rng):
    stored = publisher_fields.write_pdebench_navier_stokes_1d(tmp_path, 10, rng, cells=8)
    parts = pdebench_stacked(
        tmp_path,
        target_time=100,
        inputs=("density", "Vx"),
        outputs=("pressure",),
        scales={"density": (6.0, 2.0), "pressure": (60.0, 30.0)},
    )
    x, y = all_rows(parts["train"])
    np.testing.assert_allclose(x[:, 0], (stored["density"][1:, 0] - 6) / 2, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(x[:, 1], stored["Vx"][1:, 0])
    np.testing.assert_allclose(y[:, 0], (stored["pressure"][1:, 100] - 60) / 30, rtol=1e-4, atol=1e-6)


def test_darcy_maps_a_coefficient_without_time_to_its_solution(tmp_path, rng):
    stored = publisher_fields.write_pdebench_darcy(tmp_path, 10, rng, cells=8)
    parts = pdebench_stacked(
        tmp_path, target_time=0, axes=2, inputs=("nu",), outputs=("tensor",), input_time=None, stride=2
    )
    x, y = all_rows(parts["train"])
    np.testing.assert_array_equal(x[:, 0], stored["nu"][1:, ::2, ::2])
    np.testing.assert_array_equal(y[:, 0], stored["tensor"][1:, 0, ::2, ::2])


def test_the_inhibitor_is_predicted_from_the_activator(tmp_path, rng):
    stored = publisher_fields.write_pdebench_diffusion_reaction_2d(tmp_path, 10, rng, cells=8, frames=6)["data"]
    parts = read(
        "pdebench_grouped", tmp_path, target_time=5, axes=2, input_channels=(0,), target_channels=(1,), stride=4
    )
    x, y = all_rows(parts["train"])
    np.testing.assert_array_equal(x[:, 0], stored[:9, 0, ::4, ::4, 0])
    np.testing.assert_array_equal(y[:, 0], stored[:9, 5, ::4, ::4, 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_an_axis_before_the_rows_and_other_precisions_are_taken(tmp_path, rng, dtype):
    values = rng.random((10, 5, 8)).astype(dtype)
    with h5py.File(tmp_path / "own.hdf5", "w") as file:
        file["tensor"] = values[None]
    x, y = all_rows(pdebench_stacked(tmp_path, target_time=4)["train"])
    np.testing.assert_array_equal(x[:, 0], values[1:, 0].astype(np.float32))
    np.testing.assert_array_equal(y[:, 0], values[1:, 4].astype(np.float32))


def test_reading_a_few_frames_of_a_large_file_takes_little_memory(tmp_path):
    """A sparse file of 2 GB: HDF5 stores what was written, so that what is read whole would show at once."""
    with h5py.File(tmp_path / "large.hdf5", "w") as file:
        file.create_dataset("tensor", (10_000, 51, 1024), np.float32, chunks=(1, 51, 1024))
    tracemalloc.start()
    samples = pdebench_stacked(tmp_path, target_time=50)["train"]
    samples.read(5000, 5064)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def stack(folder: Path, **arrays) -> Path:
    path = folder / "file.hdf5"
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"u": np.ones((20, 5, 8))}, {}, r"lacks the array 'tensor'; it holds u\. Set the reader's options 'inputs'"),
        ({"0000/data": np.ones((5, 8, 1))}, {}, "take reader pdebench_grouped for a file with a group per sample"),
        ({"tensor": np.ones((20, 8))}, {}, r"tensor has shape \(20, 8\), expected 3 axes"),
        ({"tensor": np.ones((2, 20, 5, 8))}, {}, r"tensor has shape \(2, 20, 5, 8\), expected 3 axes"),
        ({"tensor": np.array([b"a"] * 20)}, {}, "lacks the array 'tensor'"),
        (
            {"tensor": np.ones((20, 5, 8))},
            {"target_time": 5},
            "has 5 frames, the task asks for frame 5, counted from 0",
        ),
        ({"tensor": np.ones((20, 5, 8))}, {"stride": 3}, r"\(8,\) points cannot be thinned by stride 3"),
        ({"tensor": np.ones((1, 5, 8))}, {}, "holds 1 samples, expected at least 2"),
        (
            {"tensor": np.ones((20, 5, 8)), "v": np.ones((20, 5, 4))},
            {"outputs": ("v",)},
            r"tensor \(20, 5, 8\), v \(20, 5, 4\) differ in rows or grid",
        ),
    ],
)
def test_a_stacked_file_that_does_not_fit_is_refused_by_name(tmp_path, arrays, options, message):
    stack(tmp_path, **arrays)
    with pytest.raises(PareError, match=message):
        pdebench_stacked(tmp_path, **({"target_time": 4} | options))


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"tensor": np.ones((20, 5, 8))}, {}, "lacks the array 'tensor/data'; .*Take reader pdebench_stacked"),
        ({}, {}, "lacks the array '0000/data'; it holds nothing"),
        (
            {f"{i:04d}/data": np.ones((5, 8)) for i in range(2)},
            {},
            r"has shape \(5, 8\), expected \(time, x, channels\)",
        ),
        ({"0000/data": np.ones((5, 8, 8, 1))}, {}, "set the reader's option 'axes'"),
        ({f"{i:04d}/data": np.ones((5, 8, 1)) for i in range(2)}, {"target_time": 5}, "has 5 frames"),
        ({f"{i:04d}/data": np.ones((5, 8, 1)) for i in range(2)}, {"target_channels": (1,)}, "has 1 channels"),
        ({f"{i:04d}/data": np.ones((5, 8, 1)) for i in range(2)}, {"stride": 5}, "cannot be thinned by stride 5"),
        ({"0000/data": np.ones((5, 8, 1))}, {}, "holds 1 samples, expected at least 2"),
        ({}, {"pattern": "../*.hdf5"}, "no plain file name"),
        ({}, {"pattern": "/data/*.hdf5"}, "no plain file name"),
    ],
)
def test_a_grouped_file_that_does_not_fit_is_refused_by_name(tmp_path, arrays, options, message):
    stack(tmp_path, **arrays)
    with pytest.raises(PareError, match=message):
        read("pdebench_grouped", tmp_path, **({"target_time": 4, "pattern": "*.hdf5"} | options))


def test_a_group_of_another_shape_is_named_when_it_is_read(tmp_path):
    arrays = {f"{i:04d}/data": np.ones((5, 8, 1)) for i in range(10)} | {"0007/data": np.ones((5, 9, 1))}
    stack(tmp_path, **arrays)
    train = read("pdebench_grouped", tmp_path, target_time=4, pattern="*.hdf5")["train"]
    train.read(0, 7)
    with pytest.raises(PareError, match=r"group 0007 has shape \(5, 9, 1\), that of group 0000 \(5, 8, 1\)"):
        train.read(5, 9)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named_by_its_row_in_the_file(tmp_path, value):
    values = np.ones((20, 5, 8), np.float32)
    values[7, 4, 3] = value
    stack(tmp_path, tensor=values)
    train = pdebench_stacked(tmp_path, target_time=4)["train"]
    train.read(0, 5)  # rows 2 to 6 of the file
    with pytest.raises(PareError, match=r"file.hdf5: tensor is not finite in row 8"):
        train.read(0, 10)
    pdebench_stacked(tmp_path, target_time=3)["train"].read(0, 18)  # that frame is whole


def test_a_grouped_value_that_is_not_finite_is_named_by_its_group_and_time(tmp_path):
    arrays = {f"{i:04d}/data": np.ones((5, 8, 1)) for i in range(10)}
    arrays["0009/data"][4, 3] = np.nan
    stack(tmp_path, **arrays)
    with pytest.raises(PareError, match="data at time 4 is not finite in row 10"):
        all_rows(read("pdebench_grouped", tmp_path, target_time=4, pattern="*.hdf5")["test"])


@pytest.mark.parametrize("content", ["cut", "text", "empty"])
@pytest.mark.parametrize("reader", [pdebench_stacked, partial(read, "pdebench_grouped")])
def test_a_damaged_file_is_one_message_that_says_what_to_do(tmp_path, reader, content):
    path = stack(tmp_path, tensor=np.ones((20, 5, 800)))
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"<html>no</html>", "empty": b""}[content])
    with pytest.raises(
        PareError,
        match=r"file.hdf5 is missing, damaged or cut short \(.*\): save it again, .* and fetch it",
    ):
        reader(tmp_path, target_time=4, pattern="*.hdf5")


def test_a_missing_file_says_how_to_fetch_it(tmp_path):
    with pytest.raises(PareError, match=r"no file \*.hdf5 in .*kedro run --pipelines=ingest"):
        pdebench_stacked(tmp_path, target_time=4)
