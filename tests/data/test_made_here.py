"""What was made here is known again, whatever became of the notes on it."""

import pytest

from pare.data.files import MADE_HERE
from pare.data.made_here import is_made, made_file


def make(path):
    with made_file(path) as unfinished:
        unfinished.write_text(path.name)


@pytest.mark.parametrize("harm", [b"3f5a", b"\xff\xfe\x00", b"\n\n"])
def test_a_line_that_broke_off_or_is_no_text_costs_no_other_line(tmp_path, harm):
    make(tmp_path / "first")
    with (tmp_path / MADE_HERE).open("ab") as notes:
        notes.write(harm)  # as a full disk, or another program, leaves it
    make(tmp_path / "second")
    assert is_made(tmp_path / "first") and is_made(tmp_path / "second")
    (tmp_path / "second").write_text("the user's")
    assert not is_made(tmp_path / "second")
