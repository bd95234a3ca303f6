"""Ingest: bring every raw file that a run needs to this machine."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.ingest.nodes import choose_encoder_files, choose_proxy_files, choose_task_files


def create_pipeline() -> Pipeline:
    """The pipeline; its datasets fetch or compute the files as they are saved.

    The tags ``task``, ``encoder`` and ``proxy`` select one node each, ``source`` the last two.
    """
    return Pipeline(
        [
            Node(choose_task_files, inputs="run", outputs="raw", tags=["ingest", "task"]),
            Node(choose_encoder_files, inputs="run", outputs="encoder", tags=["ingest", "source", "encoder"]),
            Node(choose_proxy_files, inputs="run", outputs="proxy", tags=["ingest", "source", "proxy"]),
        ]
    )
