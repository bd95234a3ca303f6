"""Nodes of the ingest pipeline."""

from pare.config import Run
from pare.config.schema import RawConfig


def choose_raw_files(run: Run) -> tuple[RawConfig, RawConfig, RawConfig]:
    """Say which files the run needs: the task's, the pretrained encoder's, the proxy dataset's."""
    return run.task.raw, run.source.encoder, run.proxy.raw
