"""External baselines, each by its own library.

The libraries come with the extra ``baselines`` and are imported when they are asked for.
"""

from pare.baselines.fitting import BaselineFit
from pare.baselines.problem import Fitted, Problem
from pare.baselines.registry import ESTIMATORS, check_baseline, fit_baseline
from pare.baselines.trained import TrainedBaseline

__all__ = ["ESTIMATORS", "BaselineFit", "Fitted", "Problem", "TrainedBaseline", "check_baseline", "fit_baseline"]
