import gzip

import h5py
import numpy as np
import pytest

from pare.config.errors import PareError
from pare.data.own.look import announcement, inner_paths, unpacked_bytes
from users_files import TABLE, look, npz, table


def test_files_of_different_kinds_are_refused(tmp_path):
    with pytest.raises(PareError, match=r"t\.csv, f\.npz: expected one of these: one table"):
        look(table(tmp_path) + npz(tmp_path, x=TABLE["mass"]))


def test_a_folder_of_folders_of_arrays_is_these_folders(tmp_path):
    for name in ("input/1.npy", "output/1.npy", ".cache/x", "photos/cat/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert inner_paths([tmp_path]) == [tmp_path]  # photos is there, too
    (tmp_path / "photos").rename(tmp_path / ".photos")
    assert inner_paths([tmp_path]) == [tmp_path / "input", tmp_path / "output"]


def test_a_folder_of_nothing_but_files_of_arrays_is_these_files(tmp_path):
    (tmp_path / "set").mkdir()
    for name in ("x.npy", "y.pt"):
        (tmp_path / "set" / name).touch()
    assert inner_paths([tmp_path / "set"]) == [tmp_path / "set" / "x.npy", tmp_path / "set" / "y.pt"]
    (tmp_path / "set" / "notes.txt").touch()
    assert inner_paths([tmp_path / "set"]) == [tmp_path / "set"]


def test_a_folder_without_files_of_a_known_kind_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.doc").touch()
    with pytest.raises(PareError, match=r"empty: expected one of these: one table .*images \(.*sounds"):
        look([tmp_path / "empty"])


def test_rows_in_the_order_of_time_are_what_the_user_says(tmp_path):
    paths = table(tmp_path)
    assert not look(paths, "mass").ordered
    assert look(paths, "mass", ordered=True).ordered
    with pytest.raises(PareError, match="--ordered cuts rows where they are, and --groups"):
        look(paths, "mass", ordered=True, groups="site")


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
