"""The ingest pipeline; README.md in this folder lists its inputs and outputs."""

from pare.pipelines.ingest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
