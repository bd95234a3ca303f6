"""Estimators of scikit-learn for tables, series, images and fields."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y, column_or_1d, validate_data

from pare.estimators.fitting import Settings, fit_rows
from pare.estimators.tables import Columns, columns_of, frame_of, is_mixed
from pare.own_data.new_rows import dated, held_rows, table_rows

WHERE = "X"  # what messages call the rows


class _Estimator(BaseEstimator):
    """What the estimators share.

    Args:
        method: a name in conf/base/methods.yml, such as ``probe``, which trains nothing, ``finetune`` or ``pare``; a
            baseline of conf/base/baselines.yml; or ``choose``, the best of several or a mean of them.
        source: the pretrained encoder, a name in conf/base/sources.yml; None: one that suits the kind of data.
        seed: decides everything random.
        training: hyperparameters by name, such as ``{"epochs": 5}``; None: the defaults.
        minutes: of fitting, at most, with ``choose``.
        ordered: whether rows are in the order of time, so that choices are made for later rows: the last ones are for
            validation, and the parts that are left out are some one after the other.

    Attributes:
        predictor_: the trained model.
        n_features_in_: columns of a table, or channels.
    """

    def __init__(
        self,
        method: str = "probe",
        *,
        source: str | None = None,
        seed: int = 0,
        training: dict[str, Any] | None = None,
        minutes: float = 10,
        ordered: bool = False,
    ) -> None:
        self.method, self.source, self.seed, self.training = method, source, seed, training
        self.minutes, self.ordered = minutes, ordered

    def _fit(self, x: np.ndarray, y: np.ndarray, columns: Columns, groups: Any) -> None:
        settings = Settings(self.method, self.source, self.seed, self.training or {}, self.minutes, self.ordered)
        self.predictor_ = fit_rows(x, y, columns, settings, None if groups is None else _numbered(groups, len(y)))

    def _fitting_rows(self, X: Any, y: Any, **rules: Any) -> tuple[np.ndarray, np.ndarray, Columns]:
        """Rows ``(rows, …)`` float32 with codes for categories, targets, and the columns of a table with text."""
        if not is_mixed(X):
            x, y = validate_data(self, X, y, **self._rules(X), ensure_min_samples=2, **rules)
            return x, y, Columns()
        validate_data(self, X, y, skip_check_array=True)
        frame = frame_of(X)
        _, y = check_X_y(np.zeros((len(frame), 1)), y, ensure_min_samples=2, **rules)
        columns, frame = columns_of(frame, WHERE)
        return table_rows(frame, columns, WHERE).read(0, len(frame)), y, columns

    def _outputs(self, X: Any) -> np.ndarray:
        """Logits or numbers of rows, ``(rows, …)``."""
        check_is_fitted(self)
        known = self.predictor_.trained.preparation
        if not known.columns:
            x = validate_data(self, X, **self._rules(X), reset=False)
            return self.predictor_.outputs(held_rows(x))
        validate_data(self, X, skip_check_array=True, reset=False)
        frame = dated(frame_of(X), self.predictor_.trained.run.task.reader.options, WHERE)
        return self.predictor_.outputs(table_rows(frame, known, WHERE))

    @staticmethod
    def _rules(X: Any) -> dict[str, Any]:
        """How scikit-learn checks numbers: of a table some may be missing."""
        table = getattr(X, "ndim", 2) == 2
        return {"dtype": np.float32, "allow_nd": True, "ensure_all_finite": "allow-nan" if table else True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.three_d_array = tags.target_tags.required = True
        return tags


class PaReClassifier(ClassifierMixin, _Estimator):
    """Classes of the rows of a table, of series or of images, by a pretrained encoder.

    ``X`` is a table ``(rows, features)``, whose columns may be categories or dates and have missing values, series
    ``(rows, channels, points)`` or images ``(rows, channels, height, width)``.

    Attributes:
        classes_: the classes, in the order of the probabilities.
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> "PaReClassifier":
        """Fit to rows and their classes ``(rows,)``.

        Args:
            X: the rows.
            y: the classes.
            groups: of the rows, ``(rows,)``, such as patients of several visits: what is chosen on rows that are left
                out is chosen for groups that are new. None: each row is on its own.

        Raises:
            ValueError: where ``X``, ``y`` or ``groups`` are not as described, or ``y`` has one class only.
            PareError: for an unknown method, source or hyperparameter.
        """
        x, y, columns = self._fitting_rows(X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}, in all rows; at least two classes are needed")
        self._fit(x, codes.astype(np.int64), columns, groups)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, ``(rows, classes)``, at the temperature that held-out rows ask for."""
        outputs = self._outputs(X)
        return self.predictor_.probabilities(outputs)

    def predict_set(self, X: Any, coverage: float = 0.9) -> list[np.ndarray]:
        """The classes that each row may be of, see `pare.own_data.predict.Predictor.predict_set`."""
        outputs = self._outputs(X)
        return [self.classes_[codes] for codes in self.predictor_.sets(outputs, coverage)]

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, ``(rows,)``."""
        codes = self._outputs(X).argmax(axis=1)
        return self.classes_[codes]


class PaReRegressor(RegressorMixin, _Estimator):
    """Numbers for the rows of a table, of series or of images, by a pretrained encoder; ``X`` as `PaReClassifier`."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> "PaReRegressor":
        """Fit to rows and their numbers, ``(rows,)`` or ``(rows, numbers)``; ``groups`` as `PaReClassifier.fit`.

        Raises:
            ValueError: where ``X``, ``y`` or ``groups`` are not as described.
            PareError: for an unknown method, source or hyperparameter.
        """
        x, y, columns = self._fitting_rows(X, y, multi_output=True, y_numeric=True)
        self._one_number = y.ndim == 1
        self._fit(x, y.reshape(len(y), -1).astype(np.float32), columns, groups)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers in the units of ``y`` and of its shape."""
        return self._shaped(self._outputs(X).astype(np.float64))

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of each number, see `pare.own_data.predict.Predictor.predict_interval`."""
        outputs = self._outputs(X)
        lower, upper = self.predictor_.calibration.interval(outputs, coverage)
        return self._shaped(lower), self._shaped(upper)

    def _shaped(self, numbers: np.ndarray) -> np.ndarray:
        return numbers[:, 0] if self._one_number else numbers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class PaReField(_Estimator):
    """Fields on the grid of other fields, such as a pressure from a permeability, by an encoder or a baseline.

    ``X`` is ``(rows, channels, points)`` or ``(rows, channels, height, width)``; so is ``y``, with channels of its own.
    Parameters and attributes are those of `PaReRegressor`. The best of several is the default, since none is quick and
    good for all fields: ``ridge`` is exact for linear equations, ``u_net``, ``finetune`` and ``pare`` train a network.
    """

    def __init__(
        self,
        method: str = "choose",
        *,
        source: str | None = None,
        seed: int = 0,
        training: dict[str, Any] | None = None,
        minutes: float = 10,
        ordered: bool = False,
    ) -> None:
        super().__init__(method, source=source, seed=seed, training=training, minutes=minutes, ordered=ordered)

    def fit(self, X: Any, y: Any, groups: Any = None) -> "PaReField":
        """Fit to fields and what follows from them; a point of ``y`` that is NaN is left out of the loss.

        ``groups`` as `PaReClassifier.fit`, such as the simulation of which several states are rows.

        Raises:
            ValueError: where ``X``, ``y`` or ``groups`` are not as described.
            PareError: for an unknown method, source or hyperparameter.
        """
        x = validate_data(self, X, **self._rules(X), ensure_min_samples=2)
        fields = check_array(y, dtype=np.float32, allow_nd=True, ensure_all_finite="allow-nan", input_name="y")
        if x.ndim not in (3, 4) or fields.ndim != x.ndim or fields.shape[2:] != x.shape[2:] or len(fields) != len(x):
            raise ValueError(
                f"X has shape {x.shape} and y {fields.shape}; expected (rows, channels, points) or (rows, channels, "
                "height, width), with the same rows and points in both"
            )
        self._fit(x, fields, Columns(), groups)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Fields in the units of ``y``, ``(rows, channels, …points)``."""
        return self._outputs(X)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper field of a band, see `pare.own_data.predict.Predictor.predict_interval`."""
        return self.predictor_.calibration.interval(self._outputs(X), coverage)

    def score(self, X: Any, y: Any) -> float:
        """The coefficient of determination R² of all points together; 1 is best, 0 is as good as the mean field.

        Points that are NaN in ``y`` are left out.
        """
        truth = np.ma.masked_invalid(np.asarray(y))
        return float(1 - ((truth - self.predict(X)) ** 2).sum() / ((truth - truth.mean(0)) ** 2).sum())


def _numbered(groups: Any, rows: int) -> np.ndarray:
    """The number of each row's group, ``(rows,)``."""
    groups = column_or_1d(groups)
    if len(groups) != rows:
        raise ValueError(f"X has {rows} rows and groups {len(groups)}; expected a group of each row")
    numbers, names = pd.factorize(groups)
    if (numbers < 0).any():
        raise ValueError(f"the group of row {int(numbers.argmin())} is missing; expected a group of each row")
    if len(names) < 2:
        raise ValueError(f"all rows are of the group '{names[0]}'; at least two groups are needed, or none")
    return numbers
