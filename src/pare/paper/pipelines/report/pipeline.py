"""Report: all metrics to tables with the paper's figures, comparisons and a page."""

from kedro.pipeline import Node, Pipeline

from pare.paper.report.sections import write_report
from pare.paper.report.table_config import report_config


def create_pipeline() -> Pipeline:
    """The pipeline; it trains nothing and reads the metrics in data/08_reporting."""
    return Pipeline(
        [
            Node(
                report_config,
                inputs=["params:report", "params:library"],
                outputs="paper_tables",
                name="check_paper_tables",
            ),
            Node(
                write_report,
                inputs=["paper_tables", "results", "params:library"],
                outputs="report",
                name="write_report",
            ),
        ],
        tags="report",
    )
