"""Figures on disk."""

import pytest
from kedro.io import DatasetError
from matplotlib.figure import Figure
from PIL import Image

from pare.datasets import FigureDataset


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
