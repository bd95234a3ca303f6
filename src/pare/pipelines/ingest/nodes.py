"""Nodes of the ingest pipeline."""

from pare.config import Run, TaskRun
from pare.config.schema import RawConfig


def choose_task_files(run: TaskRun) -> RawConfig:
    """Say which raw files the task needs."""
    return run.task.raw.chosen


def choose_encoder_files(run: Run) -> RawConfig:
    """Say which files the pretrained encoder is made of."""
    return run.source.encoder


def choose_proxy_files(run: Run) -> RawConfig:
    """Say which files the proxy dataset is made of."""
    return run.proxy.raw
