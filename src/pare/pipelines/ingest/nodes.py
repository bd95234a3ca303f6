"""Nodes of the ingest pipeline."""

from pare.config import ChoiceRun, Run, TaskRun
from pare.data.origins.ingest import RawFiles


def describe_task_files(run: TaskRun) -> RawFiles:
    """Say which raw files the task needs; they are downloaded or simulated as they are saved."""
    return RawFiles(run.task.raw.active)


def describe_encoder_files(run: Run | ChoiceRun) -> RawFiles:
    """Say which files the pretrained encoder is made of; they are fetched as they are saved."""
    return RawFiles(run.source.encoder)


def describe_proxy_files(run: Run | ChoiceRun) -> RawFiles:
    """Say which files the proxy dataset is made of; they are fetched as they are saved."""
    return RawFiles(run.proxy.raw)
