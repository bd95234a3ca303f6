"""Experiment trackers: what a run logs to TensorBoard, MLflow, Trackio, W&B or DVCLive, by Accelerate's own classes."""

from pare.tracking.tracked_runs import NONE, Tracking, curve

__all__ = ["NONE", "Tracking", "curve"]
