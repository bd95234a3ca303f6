"""Raw files as their publisher gives them, with a manifest."""

from pare.datasets.lazy import LazyDataset
from pare.raw.origins.manifest import RawFolder


class RawFolderDataset(LazyDataset[RawFolder]):
    """Saving `RawFiles` brings them into the folder; loading gives the folder and its manifest.

    Example:
        ```yaml
        raw:
          type: pare.datasets.RawFolderDataset
          filepath: data/01_raw/darcy_flow
        ```
    """

    def load(self) -> RawFolder:
        """The folder; PareError where it was not ingested."""
        return RawFolder.open(self.path)
