"""The export pipeline; README.md in this folder lists its inputs and outputs."""

from pare.pipelines.export.pipeline import create_pipeline

__all__ = ["create_pipeline"]
