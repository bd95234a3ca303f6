"""External baselines, each by its own library.

The libraries come with the extra ``baselines`` and are imported when they are asked for.
"""

from pare.baselines.problem import Fitted, Problem
from pare.baselines.registry import ESTIMATORS, check_baseline, fit_baseline
from pare.baselines.trained import TrainedBaseline, load_trained

__all__ = ["ESTIMATORS", "Fitted", "Problem", "TrainedBaseline", "check_baseline", "fit_baseline", "load_trained"]
