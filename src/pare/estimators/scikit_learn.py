"""Estimators of scikit-learn for tables, series, images and fields."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y, validate_data

from pare.data.own.array_rows import channels_first, check_numbers, field_axis
from pare.data.own.format import NewRows, held_rows
from pare.data.own.task_file import zero_remark
from pare.data.preparation.normalisation import zero_fields
from pare.estimators.in_memory import Settings, fit_rows
from pare.estimators.inputs import (
    Rows,
    as_given,
    channel_axis,
    coarse_numbers,
    frame_of,
    group_numbers,
    is_table,
    python_words,
    rows_that_count,
    seed_of,
    shape_of,
    table_rows,
)


class _Estimator(BaseEstimator):
    """What the estimators share: parameters, checks of the rows, and outputs."""

    def __init__(
        self,
        method: str = "probe",
        *,
        source: str | None = None,
        random_state: Any = 0,
        training: dict[str, Any] | None = None,
        minutes: float | None = None,
        ordered: bool = False,
        channels: str = "auto",
    ) -> None:
        """Keep the parameters; they are read when rows are fitted.

        Args:
            method: a name in conf/base/learners.yml, such as ``probe``, which trains nothing, ``pare`` or ``catboost``;
                or ``choose``, the best of several or a mean of them.
            source: the pretrained encoder, a name in conf/base/sources.yml, for methods that have one; None: the one
                that suits the kind of data.
            random_state: decides everything random: a whole number, a ``RandomState``, or None for another fit each
                time.
            training: hyperparameters by name, such as ``{"epochs": 5}``; None: the defaults. A value that has no effect
                on the method, or on any candidate of ``choose``, is refused.
            minutes: minutes of fitting; None: those of the method, or until it is done.
            ordered: whether rows are in the order of time, so that choices are made for later rows: the last ones are
                for validation, and the parts that are left out are some one after the other.
            channels: which axis of series, images and fields has the channels: ``first``, right after the rows,
                ``last``, or ``none``, where there is one channel without an axis; ``auto``: the axis that is short.
        """
        self.method, self.source, self.random_state, self.training = method, source, random_state, training
        self.minutes, self.ordered, self.channels = minutes, ordered, channels

    def _fit(self, rows: Rows, y: np.ndarray, kind: str, **known: Any) -> None:
        seed = seed_of(self.random_state)
        settings = Settings(self.method, self.source, seed, self.training or {}, self.minutes, self.ordered)
        self.predictor_ = fit_rows(rows, y, kind, settings, **known)

    def _read(self, X: Any, y: Any, groups: Any, **rules: Any) -> tuple[Rows, np.ndarray, np.ndarray | None]:
        """Rows to learn from, what is predicted and the numbers of the groups, as scikit-learn checks them.

        A warning says what the user should know of them.
        """
        self._channel_axis = channel_axis(shape_of(X), self.channels)
        is_number = rules.get("y_numeric", False)
        if self._channel_axis or not is_table(X):
            numbers, y = validate_data(self, self._channels_first(X), y, **self._rules, ensure_min_samples=2, **rules)
            groups = group_numbers(groups, len(y))
            rows, remarks = Rows(self._whole(numbers)), []
            if not self._channel_axis:
                remarks += coarse_numbers(np.asarray(X), "x")
            if is_number:
                remarks += coarse_numbers(np.asarray(y), "y")
        else:
            validate_data(self, X, y, skip_check_array=True)
            frame = frame_of(X)
            self._names = list(frame)
            _, y = check_X_y(np.zeros((len(frame), 1)), y, ensure_min_samples=2, **rules)
            groups = group_numbers(groups, len(y))
            rows, remarks = table_rows(frame, y, groups, are_numbers=is_number, ordered=self.ordered)
        if is_number and y.dtype.kind in "mM":
            raise ValueError(
                f"y holds {'dates' if y.dtype.kind == 'M' else 'durations'}; expected numbers, such as days"
            )
        if remarks:
            warnings.warn("X: " + "; ".join(remarks), stacklevel=3)
        return rows, y, groups

    def open(self, X: Any) -> NewRows:
        """Rows as the trained model takes them; ValueError or PareError where they do not fit."""
        check_is_fitted(self)
        if self.predictor_.trained.preparation.columns is None:
            x = validate_data(self, self._channels_first(X), **self._rules, reset=False)
            return held_rows(self._whole(x))
        validate_data(self, X, skip_check_array=True, reset=False)
        with python_words():
            return self.predictor_.open(frame_of(X, self._names))

    def _outputs(self, X: Any) -> np.ndarray:
        """Logits or numbers of rows, ``(rows, …)``."""
        rows = self.open(X)
        return self.predictor_.outputs(rows)

    def _channels_first(self, X: Any) -> Any:
        """Series, images and fields as ``(rows, channels, …points)``; a table as it is."""
        return channels_first(np.asarray(X), self._channel_axis) if self._channel_axis else X

    @property
    def _rules(self) -> dict[str, Any]:
        """How scikit-learn checks numbers: a table may lack some; `_whole` finds those that others lack."""
        return {"dtype": np.float32, "allow_nd": True, "ensure_all_finite": not self._channel_axis and "allow-nan"}

    def _whole(self, x: np.ndarray) -> np.ndarray:
        """The rows, refused where a point of a series, an image or a field is missing; PareError."""
        check_numbers(x, "X", 0, missing=not self._channel_axis)
        return x

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        tags.input_tags.three_d_array = tags.target_tags.required = True
        return tags


class PaReClassifier(ClassifierMixin, _Estimator):
    """Classes of the rows of a table, of series or of images, by a pretrained encoder.

    ``X`` is a table ``(rows, features)``, whose columns may be categories or dates and have missing values; series
    ``(rows, channels, points)`` or images ``(rows, channels, height, width)``, whose channels may also be last.
    Columns of text that name rows are left out, with a warning.

    Attributes:
        classes_: the classes, in the order of the probabilities; of several labels a row, their numbers.
        predictor_: the trained model.
        n_features_in_: columns of a table, or channels.
    """

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None) -> "PaReClassifier":
        """Fit to rows and their classes ``(rows,)``, or several labels a row, each 0 or 1, ``(rows, labels)``.

        Args:
            X: the rows.
            y: the classes or labels.
            sample_weight: how much each row counts, ``(rows,)``, at least 0; for ``probe``, logistic regression and
                boosters. None: all count alike.
            groups: group of each row, ``(rows,)``, such as the patient of several visits: what is chosen on rows that
                are left out is chosen for groups that are new. None: each row is on its own.

        Raises:
            ValueError: where an argument is not as described, or ``y`` has one class only.
            PareError: for an unknown method, source or hyperparameter, and weights that the method does not take.
        """
        weights, X, y, groups = rows_that_count(sample_weight, X, y, groups)
        labelled = _are_labels(y)
        rows, y, groups = self._read(X, y, groups, multi_output=labelled)
        check_classification_targets(y)
        known = {"groups": groups, "weights": weights}
        if labelled:
            self.classes_ = np.arange(y.shape[1])
            self._fit(rows, y.astype(np.float32), "multilabel", **known)
            return self
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}, in all rows; at least two classes are needed")
        names = [str(name) for name in self.classes_]
        self._fit(rows, codes.astype(np.int64), "classification", classes=names, **known)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class or label, ``(rows, classes)``, at the temperature of held-out rows."""
        outputs = self._outputs(X)
        return self.predictor_.probabilities(outputs)

    def predict_set(self, X: Any, coverage: float = 0.9) -> list[np.ndarray]:
        """The classes that each row may be of, see `pare.prediction.predict.Predictor.predict_set`."""
        outputs = self._outputs(X)
        return [self.classes_[codes] for codes in self.predictor_.sets(outputs, coverage)]

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row, ``(rows,)``; of several labels each 0 or 1, ``(rows, labels)``."""
        outputs = self._outputs(X)
        if self.predictor_.is_binary:
            return (outputs > 0).astype(np.int64)
        return self.classes_[outputs.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class PaReRegressor(RegressorMixin, _Estimator):
    """Numbers for the rows of a table, of series or of images, by a pretrained encoder; ``X`` as `PaReClassifier`.

    Attributes:
        predictor_: the trained model.
        n_features_in_: columns of a table, or channels.
    """

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None) -> "PaReRegressor":
        """Fit to rows and their numbers, ``(rows,)`` or ``(rows, numbers)``; the rest as `PaReClassifier.fit`.

        Raises:
            ValueError: where an argument is not as described.
            PareError: for an unknown method, source or hyperparameter, and weights that the method does not take.
        """
        weights, X, y, groups = rows_that_count(sample_weight, X, y, groups)
        rows, y, groups = self._read(X, y, groups, multi_output=True, y_numeric=True)
        self._one_number = y.ndim == 1
        known = {"groups": groups, "weights": weights}
        self._fit(rows, y.reshape(len(y), -1).astype(np.float32), "regression", **known)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Numbers in the units of ``y`` and of its shape."""
        return self._shaped(self._outputs(X).astype(np.float64))

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of each number, see `pare.prediction.predict.Predictor.predict_interval`."""
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
    """Fields on the grid of other fields, such as a pressure from a permeability, by any method.

    ``X`` is ``(rows, channels, points)`` or ``(rows, channels, height, width)``; so is ``y``, with channels of its own,
    or without their axis, and perhaps on another grid. Channels may also be last in both. The best of several is the
    default, since no method is quick and good for all fields: ``ridge`` is exact for linear equations, ``u_net``,
    ``finetune`` and ``pare`` train a network.

    Attributes:
        predictor_: the trained model.
        n_features_in_: channels of ``X``.
    """

    def __init__(
        self,
        method: str = "choose",
        *,
        source: str | None = None,
        random_state: Any = 0,
        training: dict[str, Any] | None = None,
        minutes: float | None = None,
        ordered: bool = False,
        channels: str = "auto",
    ) -> None:
        """Keep the parameters, which are those of `PaReClassifier`."""
        super().__init__(
            method,
            source=source,
            random_state=random_state,
            training=training,
            minutes=minutes,
            ordered=ordered,
            channels=channels,
        )

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> "PaReField":
        """Fit to fields and what follows from them; a point of ``y`` that is NaN is left out of the loss.

        ``groups`` as `PaReClassifier.fit`, such as the simulation of which several states are rows.

        Raises:
            ValueError: where ``X``, ``y`` or ``groups`` are not as described.
            PareError: for an unknown method, source or hyperparameter.
        """
        given = shape_of(X)
        self._channel_axis = axis = channel_axis(given, self.channels)
        x = validate_data(self, self._channels_first(X), **self._rules, ensure_min_samples=2)
        fields = check_array(y, dtype=np.float32, allow_nd=True, ensure_all_finite="allow-nan", input_name="y")
        if axis is None or x.ndim > 4 or fields.ndim not in (x.ndim - 1, x.ndim) or len(fields) != len(x):
            raise _no_fields(given, fields.shape)
        self._field_axis = field_axis(given, fields.shape, axis)
        if self._field_axis == "none" and fields.shape[1:] != x.shape[2:]:
            raise _no_fields(given, fields.shape)
        groups = group_numbers(groups, len(x))
        if zero := int(zero_fields(fields).sum()):
            warnings.warn(f"y: {zero_remark(zero)}", stacklevel=2)
        self._fit(Rows(self._whole(x)), channels_first(fields, self._field_axis), "dense", groups=groups)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Fields in the units of ``y`` and with its axes."""
        return as_given(self._outputs(X), self._field_axis)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper field of a band, see `pare.prediction.predict.Predictor.predict_interval`.

        Half of the tenth of the rows that is held out decides how wide it is: a coverage of 0.9 needs about 180 rows.
        """
        outputs = self._outputs(X)
        lower, upper = self.predictor_.calibration.interval(outputs, coverage)
        return as_given(lower, self._field_axis), as_given(upper, self._field_axis)

    def score(self, X: Any, y: Any) -> float:
        """The coefficient of determination R² of all points together; 1 is best, 0 is as good as the mean field.

        Points that are NaN in ``y`` are left out.
        """
        truth = np.ma.masked_invalid(np.asarray(y))
        return float(1 - ((truth - self.predict(X)) ** 2).sum() / ((truth - truth.mean(0)) ** 2).sum())


def _are_labels(y: Any) -> bool:
    """Whether there are several labels a row, each 0 or 1; ValueError where several other things are."""
    shape = shape_of(y)
    if len(shape) != 2 or shape[1] == 1:
        return False
    if not np.isin(np.asarray(y), (0, 1)).all():
        raise ValueError(
            f"y has shape {shape}; expected one class a row, (rows,), or several labels a row, each 0 or 1"
        )
    return True


def _no_fields(x: tuple[int, ...], y: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"X has shape {x} and y {y}; expected (rows, channels, points) or (rows, channels, height, width) of the same "
        "rows in both, where y may lack the axis of its channels; say channels='none' where X lacks it"
    )
