import gzip

import h5py
import numpy as np
import pytest

from pare.own_data.unpacked import announcement, unpacked_bytes

EMPTY = np.zeros((1000, 1000))  # 8 MB that compress well


def save_npz(path):
    np.savez_compressed(path, x=EMPTY)


def save_hdf5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=EMPTY, compression="gzip")


def save_gzip(path):
    path.write_bytes(gzip.compress(EMPTY.tobytes()))


@pytest.mark.parametrize(("name", "save"), [("f.npz", save_npz), ("f.h5", save_hdf5), ("f.csv.gz", save_gzip)])
def test_a_file_that_unpacks_to_many_times_its_size_is_announced(tmp_path, name, save):
    save(tmp_path / name)
    assert unpacked_bytes(tmp_path / name) == pytest.approx(EMPTY.nbytes, rel=1e-3)
    assert f"{name} has 0.0 MiB, unpacked 7.6 MiB" in announcement(tmp_path / name)


def test_a_large_file_is_announced_without_a_look_into_it(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("x", shape=(2**18, 1024), dtype="f4", chunks=(1024, 1024), compression="gzip")
    assert "unpacked 1.0 GiB" in announcement(tmp_path / "f.h5")


def test_files_that_are_not_compressed_or_damaged_are_not_announced(tmp_path):
    np.savez(tmp_path / "f.npz", x=EMPTY)
    np.save(tmp_path / "f.npy", EMPTY)
    (tmp_path / "broken.npz").write_bytes(b"PK")
    (tmp_path / "broken.csv.gz").write_bytes(b"1")
    assert [announcement(path) for path in sorted(tmp_path.iterdir())] == [None] * 4
