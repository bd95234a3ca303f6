"""Ingest: bring every raw file that a run needs to this machine."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.ingest.nodes import choose_source_files, choose_task_files


def create_pipeline() -> Pipeline:
    """The pipeline; its datasets fetch or compute the files as they are saved.

    The tags ``task`` and ``source`` select one half of it.
    """
    return Pipeline(
        [
            Node(choose_task_files, inputs="run", outputs="raw", tags=["ingest", "task"]),
            Node(choose_source_files, inputs="run", outputs=["encoder", "proxy"], tags=["ingest", "source"]),
        ]
    )
