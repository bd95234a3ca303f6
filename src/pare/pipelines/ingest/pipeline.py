"""Ingest: bring every raw file that a run needs to this machine."""

from kedro.pipeline import Node, Pipeline

from pare.pipelines.ingest.nodes import describe_encoder_files, describe_proxy_files, describe_task_files


def create_pipeline() -> Pipeline:
    """The pipeline; the files are fetched or computed as its datasets are saved.

    The tags ``task``, ``encoder`` and ``proxy`` select one node each, ``source`` the last two.
    """
    run = "params:run"
    return Pipeline(
        [
            Node(describe_task_files, run, "raw", name="download_or_simulate_task_files", tags="task"),
            Node(describe_encoder_files, run, "encoder", name="fetch_encoder", tags=["source", "encoder"]),
            Node(describe_proxy_files, run, "proxy", name="fetch_proxy", tags=["source", "proxy"]),
        ],
        tags="ingest",
    )
