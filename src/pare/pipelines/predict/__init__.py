"""Predict new rows."""

from pare.pipelines.predict.pipeline import create_pipeline

__all__ = ["create_pipeline"]
