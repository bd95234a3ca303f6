"""The report pipeline; README.md in this folder lists its inputs and outputs."""

from pare.paper.pipelines.report.pipeline import create_pipeline

__all__ = ["create_pipeline"]
