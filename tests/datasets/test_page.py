"""The page of a run on disk."""

from pare.datasets import PageDataset


class Page:
    """Writes the same words."""

    def is_current(self, path):
        return False

    def write(self, path):
        path.write_text("page")


def test_it_is_written_as_it_is_saved_and_loads_as_its_path(tmp_path):
    dataset = PageDataset(filepath=str(tmp_path / "run.html"))
    assert not dataset.exists()
    dataset.save(Page())
    assert dataset.exists()
    assert dataset.load().read_text() == "page"
