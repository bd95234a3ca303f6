"""The choose pipeline; README.md in this folder lists its inputs and outputs."""

from pare.pipelines.choose.pipeline import create_pipeline

__all__ = ["create_pipeline"]
