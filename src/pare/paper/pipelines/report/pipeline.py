"""Report: all metrics to tables with the paper's figures, comparisons and a page."""

from kedro.pipeline import Node, Pipeline

from pare.paper.report.sections import write_report
from pare.paper.report.table_config import report_config


def create_pipeline() -> Pipeline:
    """The pipeline; it trains nothing and reads the metrics in data/08_reporting."""
    library = "params:library"
    return Pipeline(
        [
            Node(report_config, ["params:report", library], "paper_tables", name="check_paper_tables"),
            Node(write_report, ["paper_tables", "results", library], "report", name="write_report"),
        ],
        tags="report",
    )
