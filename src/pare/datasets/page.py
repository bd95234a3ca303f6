"""The page of a run."""

from pathlib import Path

from pare.datasets.lazy import LazyDataset


class PageDataset(LazyDataset[Path]):
    """Saving a `RunPage` writes it from what lies in its folder; loading gives its path, for a browser to open.

    Example:
        ```yaml
        run_page:
          type: pare.datasets.PageDataset
          filepath: data/08_reporting/wine/probe/seed_0/run.html
        ```
    """

    def load(self) -> Path:
        """The path."""
        return self.path

    def _exists(self) -> bool:
        return self.path.is_file()
