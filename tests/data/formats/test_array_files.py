"""Arrays in files of any kind, compared with what numpy and h5py were given."""

import h5py
import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.formats import memory
from pare.data.formats.array_files import open_arrays

X = np.arange(24, dtype=np.float64).reshape(6, 2, 2)
NAMES = np.array(["a", "bee", "c", "a", "", "é"])


def as_npz(folder):
    np.savez(folder / "f.npz", x=X, names=NAMES)
    return folder / "f.npz"


def as_compressed_npz(folder):
    np.savez_compressed(folder / "f.npz", x=X, names=NAMES)
    return folder / "f.npz"


def as_hdf5(folder):
    with h5py.File(folder / "f.h5", "w") as file:
        file.create_dataset("x", data=X, chunks=(1, 2, 2), compression="gzip")
        file.create_dataset("names", data=NAMES.astype(object), dtype=h5py.string_dtype())
    return folder / "f.h5"


@pytest.mark.parametrize("save", [as_npz, as_compressed_npz, as_hdf5])
def test_rows_come_back_as_they_were_saved(tmp_path, save):
    stored = open_arrays(save(tmp_path))
    assert set(stored) == {"x", "names"}
    assert (stored["x"].shape, stored["x"].dtype) == (X.shape, X.dtype)
    np.testing.assert_array_equal(stored["x"].read(1, 4), X[1:4])
    np.testing.assert_array_equal(stored["x"].all(), X)
    assert stored["names"].is_text and not stored["names"].is_numeric
    np.testing.assert_array_equal(stored["names"].read(1, 6), NAMES[1:6])


def test_an_npy_file_is_one_array_under_its_own_name(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(X))
    np.save(tmp_path / "names.npy", NAMES)
    np.testing.assert_array_equal(open_arrays(tmp_path / "x.npy")["x.npy"].read(2, 3), X[2:3])
    np.testing.assert_array_equal(open_arrays(tmp_path / "names.npy")["names.npy"].all(), NAMES)


def test_arrays_in_groups_of_an_hdf5_file_are_named_by_their_path(tmp_path):
    with h5py.File(tmp_path / "f.hdf5", "w") as file:
        file["train/x"], file["train/y"], file["note"] = X, X[:, 0, 0], "text"
    assert {name: array.shape for name, array in open_arrays(tmp_path / "f.hdf5").items()} == {
        "train/x": (6, 2, 2),
        "train/y": (6,),
        "note": (),
    }


def test_numbers_are_mapped_not_loaded(tmp_path):
    np.save(tmp_path / "x.npy", X)
    assert isinstance(open_arrays(tmp_path / "x.npy")["x.npy"].read(0, 2), np.memmap)


def test_python_objects_are_described_and_never_unpickled(tmp_path):
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros(2), np.zeros(3)]
    np.savez(tmp_path / "f.npz", x=ragged)
    stored = open_arrays(tmp_path / "f.npz")["x"]
    assert stored.dtype.hasobject and not stored.is_numeric
    assert str(stored) == "Python objects of shape (2,)"
    with pytest.raises(PareError, match="pickled Python objects"):
        stored.all()


@pytest.mark.parametrize("save", [as_npz, as_hdf5])
def test_a_file_that_is_cut_short_is_named(tmp_path, save):
    path = save(tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(PareError, match=rf"{path.name} .*damaged or cut short"):
        open_arrays(path)


def test_text_that_claims_more_than_is_there_is_refused_before_it_is_loaded(tmp_path):
    np.save(tmp_path / "names.npy", NAMES)
    path = tmp_path / "names.npy"
    path.write_bytes(path.read_bytes().replace(b"(6,), }     ", b"(600000,), }"))
    with pytest.raises(PareError, match=r"claims shape \(600000,\)"):
        open_arrays(path)["names.npy"].all()


def test_text_that_would_fill_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "names.npz", names=np.array(["a" * 500] * 9))
    monkeypatch.setattr(memory, "LEAST", 0)
    monkeypatch.setattr(memory, "free_memory", lambda: 10_000)
    with pytest.raises(PareError, match=r"names.npz: names needs 0\.0 MiB of memory"):
        open_arrays(tmp_path / "names.npz")


def test_another_kind_of_file_is_refused_with_those_that_are_read(tmp_path):
    with pytest.raises(PareError, match=r"\.npz, \.npy, \.mat, \.nc, \.h5"):
        open_arrays(tmp_path / "x.pkl")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_array_of_an_archive_is_read_by_its_whole_name(tmp_path, save):
    """Names may have slashes, dots and the suffix of a file in them; what numpy reads is the reference."""
    names = ["x", "old/x", "a/b/x", "x.npy", "v1.0", "v1.5", "x.npy.npy"]
    texts = ["t", "t.npy"]
    content = {name: np.arange(6.0).reshape(3, 2) + 10 * i for i, name in enumerate(names)}
    content |= {name: np.array([name, "b", "c"]) for name in texts}
    save(tmp_path / "f.npz", **content)
    arrays = open_arrays(tmp_path / "f.npz")
    assert set(arrays) == set(content)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array.all(), content[name], err_msg=name)


def test_a_folder_of_files_is_one_array(tmp_path):
    for i in (2, 0, 1):
        np.save(tmp_path / f"{i}.npy", np.full((3, 2), i))
    (tmp_path / ".hidden").touch()
    (array,) = open_arrays(tmp_path).values()
    assert (array.shape, array.names) == ((3, 3, 2), ("0.npy", "1.npy", "2.npy"))
    np.testing.assert_array_equal(array.read(1, 3)[:, 0, 0], [1, 2])


def test_files_of_a_folder_are_in_the_order_of_the_numbers_in_their_names(tmp_path):
    for i in range(12):
        np.save(tmp_path / f"u{i}.npy", np.full(2, i))
    (array,) = open_arrays(tmp_path).values()
    np.testing.assert_array_equal(array.all()[:, 0], np.arange(12))
    assert array.names[9:] == ("u9.npy", "u10.npy", "u11.npy")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda path: np.save(path / "1.npy", np.zeros((2, 3))),
            r"1\.npy is float64 of shape \(2, 3\), .* one shape",
        ),
        (lambda path: np.save(path / "1.npy", np.array(["a"] * 6).reshape(3, 2)), "must be numbers of one shape"),
        (lambda path: (path / "notes.txt").touch(), r"holds notes\.txt; expected \.npy files"),
        (lambda path: (path / "0.npy").unlink(), "holds nothing; expected"),
        (lambda path: (path / "1.npy").write_bytes(b"x"), r"1\.npy is not a numpy array"),
    ],
)
def test_what_is_wrong_with_a_folder_of_arrays_is_told(tmp_path, spoil, message):
    np.save(tmp_path / "0.npy", np.zeros((3, 2)))
    spoil(tmp_path)
    with pytest.raises(PareError, match=message):
        open_arrays(tmp_path)


def claims(path, shape, chunks):
    """An HDF5 file of two kilobytes with an array of zeros of any size, of which no block is written."""
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape=shape, dtype="f8", chunks=chunks, compression="gzip")


@pytest.mark.parametrize(("shape", "chunks"), [((60, 10**12), (1, 1000)), ((10**13,), (1000,))])
def test_rows_of_an_hdf5_file_that_would_fill_the_memory_are_refused_before_they_are_read(tmp_path, shape, chunks):
    claims(tmp_path / "f.h5", shape, chunks)
    array = open_arrays(tmp_path / "f.h5")["x"]
    with pytest.raises(PareError, match=r"f\.h5: x needs [\d,]+\.\d GiB of memory by what it declares"):
        array.all()


def test_a_part_of_a_large_array_is_read(tmp_path):
    claims(tmp_path / "f.h5", (10**13,), (1000,))
    assert open_arrays(tmp_path / "f.h5")["x"].read(5, 10**3).tolist() == [0.0] * 995


@pytest.mark.parametrize("value", [np.zeros(0), "wide", np.array(["a"], "S1")])
def test_a_mark_of_packed_numbers_that_is_none_is_told(tmp_path, value):
    with h5py.File(tmp_path / "f.nc", "w") as file:
        file["x"] = np.arange(4)
        file["x"].attrs["scale_factor"] = value
    with pytest.raises(PareError, match=r"f\.nc is missing, damaged or cut short"):
        open_arrays(tmp_path / "f.nc")


def test_an_array_without_data_is_left_out(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["x"] = h5py.Empty("f4")
        file["y"] = np.arange(3)
    assert list(open_arrays(tmp_path / "f.h5")) == ["y"]
