"""Raw files as their publisher gives them, with a manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from pare.config.errors import PareError
from pare.config.schema import RawConfig
from pare.raw.origins.ingest import ingest
from pare.raw.origins.manifest import Manifest, read_manifest


@dataclass(frozen=True)
class RawFolder:
    """A folder of raw files and its manifest."""

    path: Path
    manifest: Manifest


class RawFolderDataset(AbstractDataset[RawConfig, RawFolder]):
    """Saving a `RawConfig` fetches or computes its files; loading gives the folder and its manifest.

    Example:
        ```yaml
        raw:
          type: pare.datasets.RawFolderDataset
          filepath: data/01_raw/darcy_flow
        ```
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> RawFolder:
        """The folder; PareError where it was not ingested."""
        manifest = read_manifest(self.path)
        if manifest is None:
            raise PareError(f"{self.path} holds no raw files with a manifest; run `kedro run --pipelines=ingest`")
        return RawFolder(self.path, manifest)

    def save(self, data: RawConfig) -> None:
        """Bring the files, unless they are here already."""
        ingest(data, self.path)

    def _exists(self) -> bool:
        return read_manifest(self.path) is not None

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}
