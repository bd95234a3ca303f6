"""Datasets that are saved lazily: raw files, the model input and the page of a run."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from kedro.io import AbstractDataset, DatasetError

from pare.config.library import FOLDERS
from pare.config.run import NOWHERE
from pare.storage.access import held_alone
from pare.storage.atomic import recover, recover_all
from pare.storage.fingerprint import Lazy

if TYPE_CHECKING:
    from pare.data.origins.manifest import RawFolder
    from pare.storage.store import ArrayStore

logger = logging.getLogger(__name__)
Saved = TypeVar("Saved")


class PathDataset(AbstractDataset[Saved, Any]):
    """A dataset that is one file or folder, and is loaded as its path where a subclass says nothing else."""

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self.path = Path(filepath)
        self.metadata = metadata

    def load(self) -> Any:
        """The path."""
        return self.path

    def _exists(self) -> bool:
        return self.path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path)}


class LazyDataset(PathDataset[Lazy]):
    """Saving makes what a node has described, unless data with the same fingerprint are there; see `Lazy`.

    Kedro's own PartitionedDataset saves lazily too: a node returns functions, which are called as they are saved.
    A subclass says what loading gives: a handle that reads when asked.

    Attributes:
        waits: whether another process that makes the same data is waited for; else the data have a lock of their own.
    """

    waits: ClassVar[bool] = True

    def save(self, data: Lazy) -> None:
        """Make the data, or say that they are there; what a killed run left beside them and in them goes."""
        recover(self.path)
        recover_all(self.path)
        lock = self.path.with_name(f".{self.path.name}.lock")
        if data.is_current(self.path) and not lock.exists():
            logger.info("%s is up to date.", self.path)
        elif self.waits:
            with held_alone(lock, f"{self.path} is being made"):
                if not data.is_current(self.path):
                    data.write(self.path)
        else:
            data.write(self.path)

    def _exists(self) -> bool:
        try:
            self.load()
        except DatasetError:
            return False
        return True


class RawFolderDataset(LazyDataset):
    """Saving `RawFiles` brings them into the folder; loading gives the folder and its manifest.

    The folders ``encoders/none`` and ``proxies/none`` are those of a learner that has neither; nothing is in them.

    Example:
        ```yaml
        raw:
          type: pare.datasets.RawFolderDataset
          filepath: data/01_raw/darcy_flow
        ```
    """

    def load(self) -> "RawFolder | None":
        """The folder; PareError where it was not ingested."""
        from pare.data.origins.manifest import RawFolder  # noqa: PLC0415 - other datasets do without

        absent = any(self.path.match(f"{folder}{NOWHERE}") for folder in FOLDERS.values() if folder)
        return None if absent else RawFolder.open(self.path)


class ArrayStoreDataset(LazyDataset):
    """Saving a `ModelInput` computes it as a stream; loading opens the file, whose rows are read when asked for.

    Example:
        ```yaml
        model_input:
          type: pare.datasets.ArrayStoreDataset
          filepath: data/05_model_input/darcy_flow.h5
        ```
    """

    def load(self) -> "ArrayStore":
        """The store; PareError where it is missing or broken."""
        from pare.storage.store import ArrayStore  # noqa: PLC0415 - other datasets do without

        return ArrayStore(self.path)


class PageDataset(LazyDataset):
    """Saving a `RunPage` writes it from what lies in its folder; loading gives its path, for a browser to open.

    Example:
        ```yaml
        run_page:
          type: pare.datasets.PageDataset
          filepath: data/08_reporting/wine/probe/seed_0/run.html
        ```
    """

    def _exists(self) -> bool:
        return self.path.is_file()
