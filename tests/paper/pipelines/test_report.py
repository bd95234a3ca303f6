import json
import logging

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from pare.config import PareError
from pare.datasets import ResultsDataset, TextFilesDataset
from pare.paper.pipelines.report import pipeline

ENTRIES = {
    "reference": "pare",
    "tables": {
        "table_2": {
            "title": "Table 2",
            "columns": ["pdebench_burgers"],
            "rows": [{"paper": "PaRe", "method": "pare", "figures": [0.0083]}],
        }
    },
}


@pytest.fixture
def run(tmp_path, library):
    """Run the pipeline on the results in ``tmp_path``, with the content of a report.yml; the folder it wrote."""

    def run(entries=ENTRIES):
        catalog = DataCatalog(
            {
                "params:library": MemoryDataset(library, copy_mode="assign"),
                "params:report": MemoryDataset(entries),
                "results": ResultsDataset(str(tmp_path)),
                "report": TextFilesDataset(str(tmp_path / "report")),
            }
        )
        SequentialRunner().run(pipeline.create_pipeline(), catalog)
        return tmp_path / "report"

    return run


def test_an_empty_folder_gives_a_page(run):
    assert "Nothing has been run yet" in (run() / "report.html").read_text(encoding="utf-8")


def test_a_broken_file_is_warned_of_and_does_not_stop_the_report(run, tmp_path, caplog):
    path = tmp_path / "pdebench_burgers" / "pare" / "seed_0" / "metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"task": ')
    with caplog.at_level(logging.WARNING):
        page = (run() / "report.html").read_text(encoding="utf-8")
    for text in (page, caplog.text):
        assert "pdebench_burgers/pare/seed_0/metrics.json is left out" in text


def test_a_report_may_be_made_again_and_is_not_taken_for_results(run):
    first, second = ((run() / "report.html").read_bytes() for _ in range(2))
    assert first == second


def test_an_unknown_method_ends_with_the_valid_names(run):
    entries = json.loads(json.dumps(ENTRIES).replace('"method": "pare"', '"method": "pear"'))
    with pytest.raises(PareError, match=r"method 'pear' is unknown. Did you mean 'pare'.*Known: .*finetune"):
        run(entries)
