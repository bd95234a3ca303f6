"""Report: all metrics to tables beside the paper's, comparisons and a page."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.report.nodes import collect_runs
from pare.report.config import report_config
from pare.report.sections import write_report


def create_pipeline() -> Pipeline:
    """The pipeline; it trains nothing and reads what stands in data/08_reporting."""
    return Pipeline(
        [
            Node(report_config, inputs=["report_entries", "library"], outputs="paper_tables"),
            Node(collect_runs, inputs="reporting_folder", outputs="results"),
            Node(write_report, inputs=["paper_tables", "results", "library"], outputs="report"),
        ],
        tags="report",
    )
