"""A figure as a picture."""

from pathlib import Path

from kedro_datasets.matplotlib import MatplotlibDataset
from matplotlib.figure import Figure

from pare.storage.atomic import atomic_path


class FigureDataset(MatplotlibDataset):
    """Kedro's dataset of a figure, which Kedro-Viz shows; written whole or not at all.

    Example:
        ```yaml
        prediction_figure:
          type: pare.datasets.FigureDataset
          filepath: data/08_reporting/darcy_flow/pare/seed_0/prediction.png
          save_args: {dpi: 150}
        ```
    """

    def load(self) -> Path:
        """The path of the picture."""
        return Path(self._filepath)

    def save(self, data: Figure) -> None:
        """Draw the picture; the suffix of its path says of which kind."""
        with atomic_path(Path(self._filepath)) as unfinished:
            data.savefig(unfinished, **self._save_args)
