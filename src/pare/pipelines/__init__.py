"""Kedro pipelines: one per stage, and their nodes."""

from pare.pipelines import evaluate, ingest, preprocess, train

__all__ = ["evaluate", "ingest", "preprocess", "train"]
