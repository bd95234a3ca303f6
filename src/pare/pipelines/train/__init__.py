"""The train pipeline; README.md in this folder lists its inputs and outputs."""

from pare.pipelines.train.pipeline import create_pipeline

__all__ = ["create_pipeline"]
