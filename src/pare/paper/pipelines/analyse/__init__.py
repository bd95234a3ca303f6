"""The analyse pipeline; README.md in this folder lists its inputs and outputs."""

from pare.paper.pipelines.analyse.pipeline import create_pipeline

__all__ = ["create_pipeline"]
