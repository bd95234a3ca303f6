import pytest

from pare.config.errors import PareError
from pare.data.own.look import inner_paths
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
