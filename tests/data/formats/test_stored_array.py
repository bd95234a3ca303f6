"""An array in a file, seen by rows."""

import h5py
import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.formats import stored_array
from pare.data.formats.array_files import open_arrays
from pare.data.formats.stored_array import StoredArray, at_frame, held_dataset
from pare.paper.readers.pdebench import pdebench_stacked
from users_files import read

STATES = np.random.default_rng(0).normal(size=(7, 4, 5, 3))


@pytest.mark.parametrize("block", [1, 2 * STATES[0].nbytes, 1 << 20])
def test_a_frame_is_taken_of_every_state_in_blocks_of_rows(monkeypatch, block):
    monkeypatch.setattr(stored_array, "BLOCK_BYTES", block)
    frame = at_frame(StoredArray.held("f.npz: u", STATES), 2)
    assert frame.shape == (7, 5, 3)
    np.testing.assert_array_equal(frame.all(), STATES[:, 2])
    np.testing.assert_array_equal(frame.read(1, 6), STATES[1:6, 2])
    np.testing.assert_array_equal(frame.read(5, 99), STATES[5:, 2])


def test_an_array_without_frames_is_itself():
    array = StoredArray.held("f.npz: u", STATES)
    assert at_frame(array, None) is array


@pytest.mark.parametrize(("values", "frame"), [(STATES, 4), (STATES[:, 0, 0], 0)])
def test_a_frame_that_is_not_there_is_refused(values, frame):
    with pytest.raises(PareError, match=rf"u has shape .*; expected \(rows, frames, …grid\) with frame {frame}"):
        at_frame(StoredArray.held("f.npz: u", values), frame)


SHAPE = (20, 3, 4)


@pytest.fixture
def secret(tmp_path):
    """A file that is none of the dataset's, as bytes and as HDF5."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret").write_bytes(np.ones(SHAPE, np.float32).tobytes())
    with h5py.File(tmp_path / "other" / "secret.h5", "w") as file:
        file["x"] = np.ones(SHAPE, np.float32)
        file["group/data"] = np.ones(SHAPE, np.float32)
    return tmp_path / "other" / "secret"


def external_storage(file, name, secret):
    size = int(np.prod(SHAPE)) * 4
    file.create_dataset(name, SHAPE, np.float32, external=[(str(secret), 0, size)])


def virtual(file, name, secret):
    layout = h5py.VirtualLayout(SHAPE, np.float32)
    layout[:] = h5py.VirtualSource(f"{secret}.h5", "x", SHAPE)
    file.create_virtual_dataset(name, layout)


def external_link(file, name, secret):
    file[name] = h5py.ExternalLink(f"{secret}.h5", "x")


def soft_link_to_a_linked_group(file, name, secret):
    file["away"] = h5py.ExternalLink(f"{secret}.h5", "group")
    file[name] = h5py.SoftLink("/away/data")


WAYS = [external_storage, virtual, external_link, soft_link_to_a_linked_group]


@pytest.mark.parametrize("way", WAYS)
def test_an_array_that_lies_elsewhere_is_refused(tmp_path, secret, way):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        way(file, "x", secret)
    with h5py.File(tmp_path / "f.h5") as file:
        assert (file["x"][()] == 1).all()  # HDF5 itself would show it
        with pytest.raises(PareError, match="the array x may lie in another file"):
            held_dataset(file, "x")


def test_a_group_that_lies_elsewhere_is_refused(tmp_path, secret):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["0000"] = h5py.ExternalLink(f"{secret}.h5", "group")
    with h5py.File(tmp_path / "f.h5") as file, pytest.raises(PareError, match="0000 is not a hard link"):
        held_dataset(file, "0000/data")


def test_arrays_of_the_file_itself_are_found_by_their_paths(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["a/b/x"] = np.arange(3)
        file["again"] = file["a/b/x"]
    with h5py.File(tmp_path / "f.h5") as file:
        for name in ("a/b/x", "/a/b/x", "again"):
            np.testing.assert_array_equal(held_dataset(file, name)[()], np.arange(3))
        for name in ("a", "a/x", "a/b/x/y", "none"):
            assert held_dataset(file, name) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reader", ["arrays", "stacked", "grouped"])
def test_every_reader_of_hdf5_refuses_it(tmp_path, secret, way, reader):
    path = tmp_path / ("f.hdf5" if reader == "stacked" else "f.h5")
    name = {"arrays": "x", "stacked": "tensor", "grouped": "0000/data"}[reader]
    with h5py.File(path, "w") as file:
        way(file, name, secret)
    if reader == "arrays" and way in (external_link, soft_link_to_a_linked_group):
        assert open_arrays(path) == {}  # links are not looked at
        return
    with pytest.raises(PareError, match="may lie in another file"):
        if reader == "arrays":
            open_arrays(path)
        elif reader == "stacked":
            pdebench_stacked(tmp_path, target_time=1)
        else:
            read("pdebench_grouped", tmp_path, target_time=1)
