"""The explain pipeline; README.md in this folder lists its inputs and outputs."""

from pare.pipelines.explain.pipeline import create_pipeline

__all__ = ["create_pipeline"]
