"""Experiment trackers: what a run logs to TensorBoard, MLflow, Trackio, W&B or DVCLive, by Accelerate's own classes."""

from pare.tracking.tracking import NONE, Tracking, curve

__all__ = ["NONE", "Tracking", "curve"]
