from pathlib import Path

import pytest

from pare.datasets import TextFilesDataset


def test_files_are_written_below_the_folder_and_others_stay(tmp_path):
    dataset = TextFilesDataset(str(tmp_path / "report"))
    assert not dataset.exists()
    dataset.save({"tables/a.csv": "Å", "page.html": "old"})
    dataset.save({"page.html": "new"})
    found = {path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.*")}
    assert found == {"report/tables/a.csv": "Å", "report/page.html": "new"}
    assert (dataset.load(), dataset.exists()) == (tmp_path / "report", True)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    dataset = TextFilesDataset(str(tmp_path))
    dataset.save({"page.html": "old"})

    def write_half(path, text, encoding):
        path.write_bytes(text[:2].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(Exception, match="No space left"):
        dataset.save({"page.html": "new and longer"})
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]
