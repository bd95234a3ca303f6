"""Ingest: bring every raw file that a run needs to this machine."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.ingest.nodes import choose_raw_files


def create_pipeline() -> Pipeline:
    """The pipeline; its datasets fetch or compute the files as they are saved."""
    return Pipeline([Node(choose_raw_files, inputs="run", outputs=["raw", "encoder", "proxy"], tags="ingest")])
