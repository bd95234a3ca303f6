"""The results of all runs as a dataset."""

from pathlib import Path

import pytest
from kedro.io import DatasetError
from matplotlib.figure import Figure
from PIL import Image

from pare.datasets import FigureDataset, JSONDataset, ResultsDataset, TextFilesDataset


def test_what_cannot_be_read_is_a_warning(tmp_path, caplog):
    path = tmp_path / "burgers" / "pare" / "seed_0" / "metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"task": ')
    results = ResultsDataset(str(tmp_path)).load()
    assert results.frame.empty
    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == results.warnings != []
    assert "burgers/pare/seed_0/metrics.json is left out" in caplog.text


def test_it_is_read_only(tmp_path):
    with pytest.raises(DatasetError, match="read only"):
        ResultsDataset(str(tmp_path)).save("results")


def test_numbers_come_back_and_half_of_them_are_never_there(tmp_path):
    path, numbers = tmp_path / "deep" / "metrics.json", {"a": [1.5, None], "b": "ä"}
    dataset = JSONDataset(filepath=str(path), save_args={"indent": 2})
    dataset.save(numbers)
    assert dataset.load() == numbers
    with pytest.raises(DatasetError):
        dataset.save({"a": 1, "b": object()})
    assert dataset.load() == numbers
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def dataset(tmp_path):
    return FigureDataset(filepath=str(tmp_path / "deep" / "figure.png"), save_args={"dpi": 50})


def test_a_figure_is_a_picture_of_its_size_that_kedro_viz_can_show(dataset, tmp_path):
    dataset.save(Figure(figsize=(4, 2)))
    with Image.open(tmp_path / "deep" / "figure.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (200, 100))
    assert dataset.preview()


def test_who_reads_a_picture_never_sees_half_of_the_next(dataset, tmp_path):
    dataset.save(Figure(figsize=(4, 2)))
    before = (tmp_path / "deep" / "figure.png").read_bytes()
    with (tmp_path / "deep" / "figure.png").open("rb") as reader:
        dataset.save(Figure(figsize=(5, 2)))
        assert reader.read() == before


def test_a_picture_that_cannot_be_drawn_leaves_the_one_before(dataset, tmp_path):
    dataset.save(Figure(figsize=(4, 2)))
    before = (tmp_path / "deep" / "figure.png").read_bytes()
    broken = Figure()
    broken.text(0.5, 0.5, "$\\frac{$")
    with pytest.raises(DatasetError):
        dataset.save(broken)
    assert [path.read_bytes() for path in (tmp_path / "deep").iterdir()] == [before]


def test_it_loads_as_the_path_of_the_picture(dataset, tmp_path):
    dataset.save(Figure(figsize=(4, 2)))
    assert dataset.load() == tmp_path / "deep" / "figure.png"


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
