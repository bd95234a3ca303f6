"""Datasets of reports: the results of all runs, numbers of one, a figure, and texts by name."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kedro.io import DatasetError
from kedro_datasets.json import JSONDataset as KedroJSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from matplotlib.figure import Figure

from pare.datasets.lazy import PathDataset
from pare.storage.atomic import atomic_path

if TYPE_CHECKING:
    from pare.report.results import Results

logger = logging.getLogger(__name__)


class ResultsDataset(PathDataset[NoReturn]):
    """Loads every ``metrics.json`` of an environment as one table; one that cannot be read is left out with a warning.

    Example:
        ```yaml
        results:
          type: pare.datasets.ResultsDataset
          filepath: data/08_reporting
          environment: paper    # none: runs of conf/base and conf/local
        ```
    """

    def __init__(self, filepath: str, environment: str = "", metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, metadata)
        self.environment = environment

    def load(self) -> "Results":
        """The table, and what was left out."""
        from pare.report.results import collect_results  # noqa: PLC0415 - a figure does without

        results = collect_results(self.path, self.environment)
        for warning in results.warnings:
            logger.warning(warning)
        logger.info("%d runs found in %s.", len(results.frame), self.path)
        return results

    def save(self, data: NoReturn) -> None:
        """Each run's metrics are a dataset of their own."""
        raise DatasetError(f"{self.path} is read only: the metrics of a run are saved as a dataset of their own")


class JSONDataset(KedroJSONDataset):
    """Kedro's dataset of a JSON file, which Kedro-Viz shows; written whole or not at all.

    Example:
        ```yaml
        metrics:
          type: pare.datasets.JSONDataset
          filepath: data/08_reporting/darcy_flow/pare/seed_0/metrics.json
        ```
    """

    def save(self, data: Any) -> None:
        """Write the file."""
        with atomic_path(Path(self._filepath)) as unfinished:
            unfinished.write_text(json.dumps(data, **self._save_args), encoding="utf-8")


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


class TextFilesDataset(PathDataset[dict[str, str]]):
    """Saves texts under their paths within a folder, each file whole or not at all; loads as the folder.

    Other files in the folder stay.

    Example:
        ```yaml
        report:
          type: pare.datasets.TextFilesDataset
          filepath: data/08_reporting/report
        ```
    """

    def save(self, data: dict[str, str]) -> None:
        """Write the files in the order given; files of the same name are replaced."""
        for name, text in data.items():
            with atomic_path(self.path / name) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
        logger.info("%d files written to %s, the last is %s.", len(data), self.path, list(data)[-1])
