"""The one file of a folder."""

import pytest

from pare.config.errors import PareError
from pare.data.made_here import made_file
from pare.data.own.file_checks import one_file


def test_a_users_file_next_to_one_that_was_made_is_left_and_how_to_use_it_is_told(tmp_path):
    folder = tmp_path / "pdebench_x"
    folder.mkdir()
    with made_file(folder / "a.h5") as unfinished:
        unfinished.write_text("made")
    (folder / "b.h5").write_text("mine")
    with pytest.raises(
        PareError, match=r"holds a.h5, b.h5: keep one .*; to use b.h5 .*`pdebench_x: {raw: {files: .*b.h5"
    ):
        one_file(folder, "*.h5")
    (folder / "a.h5").unlink()
    assert one_file(folder, "*.h5") == folder / "b.h5"
