"""All methods as estimators of scikit-learn: no Kedro session, no project folder."""

from pare.estimators.scikit_learn import PaReClassifier, PaReField, PaReRegressor

__all__ = ["PaReClassifier", "PaReField", "PaReRegressor"]
