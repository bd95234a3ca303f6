"""The model input of a task, as one HDF5 file."""

from pare.datasets.lazy import LazyDataset
from pare.storage.store import ArrayStore


class ArrayStoreDataset(LazyDataset[ArrayStore]):
    """Saving a `ModelInput` computes it as a stream; loading opens the file, whose rows are read when asked for.

    Example:
        ```yaml
        model_input:
          type: pare.datasets.ArrayStoreDataset
          filepath: data/05_model_input/darcy_flow.h5
        ```
    """

    def load(self) -> ArrayStore:
        """The store; PareError where it is missing or broken."""
        return ArrayStore(self.path)
