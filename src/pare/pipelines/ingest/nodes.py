"""Nodes of the ingest pipeline."""

from pare.config import Run
from pare.data.origins.ingest import NoFiles, RawFiles


def describe_task_files(run: Run) -> RawFiles:
    """Say which raw files the task needs; they are downloaded or simulated as they are saved."""
    return RawFiles(run.task.raw.active)


def describe_encoder_files(run: Run) -> RawFiles | NoFiles:
    """Say which files the pretrained encoder is made of, if there is one; they are fetched as they are saved."""
    return RawFiles(run.source.encoder) if run.source else NoFiles()


def describe_proxy_files(run: Run) -> RawFiles | NoFiles:
    """Say which files the proxy dataset is made of, if there is one; they are fetched as they are saved."""
    return RawFiles(run.proxy.raw) if run.proxy else NoFiles()
