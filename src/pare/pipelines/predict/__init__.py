"""The predict pipeline; README.md in this folder lists its inputs and outputs."""

from pare.pipelines.predict.pipeline import create_pipeline

__all__ = ["create_pipeline"]
