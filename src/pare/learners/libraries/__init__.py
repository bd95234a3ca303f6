"""External baselines, each by its own library.

The libraries come with the extra ``baselines`` and are imported when they are asked for.
"""

from pare.learners.libraries.by_name import ESTIMATORS, check_baseline, fit_baseline
from pare.learners.libraries.problem import Fitted, Problem
from pare.learners.libraries.trained import BaselineFit, TrainedBaseline

__all__ = ["ESTIMATORS", "BaselineFit", "Fitted", "Problem", "TrainedBaseline", "check_baseline", "fit_baseline"]
