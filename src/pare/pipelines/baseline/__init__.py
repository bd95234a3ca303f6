"""The baseline pipeline; README.md in this folder lists its inputs and outputs."""

from pare.pipelines.baseline.pipeline import create_pipeline

__all__ = ["create_pipeline"]
