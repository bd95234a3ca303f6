"""Nodes of the ingest pipeline."""

from pare.config import Run
from pare.config.schema import RawConfig


def choose_task_files(run: Run) -> RawConfig:
    """Say which raw files the task needs."""
    return run.task.raw.chosen


def choose_source_files(run: Run) -> tuple[RawConfig, RawConfig]:
    """Say which files the source needs: the pretrained encoder's and the proxy dataset's."""
    return run.source.encoder, run.proxy.raw
