"""MiniRocket, MultiRocket and Hydra against aeon and scikit-learn; not compiled, which takes half a minute."""

import numba
import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

numba.config.DISABLE_JIT = True

from aeon.classification.convolution_based._hydra import _SparseScaler  # noqa: E402
from aeon.transformations.collection.convolution_based import HydraTransformer, MiniRocket, MultiRocket  # noqa: E402

from pare.config import PareError  # noqa: E402
from pare.learners.libraries.series import (  # noqa: E402
    ESTIMATORS,
    Hydra,
    HydraOptions,
    RocketOptions,
)

OPTIONS = RocketOptions(kernels=84, penalties=[0.1, 10.0])
TRANSFORMS = {"minirocket": MiniRocket, "multirocket": MultiRocket}
HYDRA = HydraOptions(**OPTIONS.model_dump(), groups=4, competitors=3)
FITS = {name: estimator.fit for name, estimator in ESTIMATORS.items()}


def options(name):
    return HYDRA if name == "multirocket_hydra" else OPTIONS


def series(n, seed, classes=2):
    """Sines of two channels whose class is their frequency."""
    draw = np.random.default_rng(seed)
    y = draw.integers(0, classes, n)
    time = np.linspace(0, 2 * np.pi, 24)
    x = np.sin((2 * y[:, None, None] + 1) * time + draw.uniform(0, 6, (n, 2, 1))) + 0.1 * draw.normal(size=(n, 2, 24))
    return x.astype(np.float32), y


@pytest.mark.parametrize(("name", "features"), [("minirocket", 84), ("multirocket", 8 * 84)])
def test_scores_are_those_of_the_library_and_tell_the_classes_apart(name, features, problem):
    (x, y), (test_x, test_y) = series(40, 0, 3), series(20, 1, 3)
    found = FITS[name](problem("classification", 4, train=(x, y)), OPTIONS).model.predict(test_x)
    transform = TRANSFORMS[name](84, random_state=3)
    made = np.asarray(transform.fit_transform(x), np.float32)
    assert made.shape == (40, features)
    scale = StandardScaler(with_mean=False).fit(made)
    ridge = RidgeClassifierCV([0.1, 10.0]).fit(scale.transform(made), y)
    wanted = ridge.decision_function(scale.transform(np.asarray(transform.transform(test_x), np.float32)))
    np.testing.assert_allclose(found[:, :3], wanted, rtol=1e-4, atol=1e-5)
    assert (found[:, 3] < found[:, :3].min(1)).all()  # a class that no training row has
    assert (found.argmax(1) == test_y).mean() > 0.9


@pytest.mark.parametrize("name", FITS)
def test_two_classes_labels_and_numbers_are_predicted_too(name, problem):
    (x, y), (test_x, test_y) = series(40, 0), series(20, 1)
    two = FITS[name](problem("classification", 2, train=(x, y)), options(name)).model.predict(test_x)
    assert (two.argmax(1) == test_y).mean() > 0.9
    labels = np.stack([y, 1 - y], 1).astype(np.float32)
    scores = FITS[name](problem("multilabel", train=(x, labels)), options(name)).model.predict(test_x)
    assert ((scores > 0) == np.stack([test_y, 1 - test_y], 1)).mean() > 0.9
    numbers = FITS[name](problem("regression", train=(x, labels[:, :1] * 10)), options(name)).model.predict(test_x)
    assert numbers.shape == (20, 1)
    assert np.abs(numbers[:, 0] - 10 * test_y).mean() < 2


@pytest.mark.parametrize(("name", "shortest"), [("minirocket", 9), ("multirocket", 10), ("multirocket_hydra", 10)])
def test_series_shorter_than_a_kernel_are_refused(name, shortest, problem):
    x = np.random.default_rng(0).normal(size=(4, 1, shortest)).astype(np.float32)
    y = np.array([0, 1, 0, 1])
    assert FITS[name](problem("classification", 2, train=(x, y)), options(name)).model.predict(x).shape == (4, 2)
    with pytest.raises(PareError, match=rf"Rocket needs.*at least {shortest} samples, the task has {shortest - 1}"):
        FITS[name](problem("classification", 2, train=(x[..., 1:], y)), options(name))


def test_rows_of_one_class_are_refused(problem):
    x, y = series(4, 0)
    with pytest.raises(PareError, match="all 4 training rows are of one class, MiniRocket needs two"):
        FITS["minirocket"](problem("classification", 2, train=(x, 0 * y)), OPTIONS)


def test_hydra_is_what_aeon_joins_with_multirocket(problem):
    (x, y), (test_x, _) = series(40, 0, 3), series(20, 1, 3)
    found = FITS["multirocket_hydra"](problem("classification", 3, train=(x, y)), HYDRA).model.predict(test_x)
    counts, sparse = HydraTransformer(3, 4, random_state=3), _SparseScaler()
    rocket, scale = MultiRocket(84, random_state=3), StandardScaler()
    made = [sparse.fit_transform(counts.fit_transform(x)), scale.fit_transform(rocket.fit_transform(x))]
    ridge = RidgeClassifierCV([0.1, 10.0]).fit(np.concatenate(made, 1), y)
    new = [sparse.transform(counts.transform(test_x)), scale.transform(rocket.transform(test_x))]
    np.testing.assert_allclose(found, ridge.decision_function(np.concatenate(new, 1)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 5])
def test_hydra_of_another_seed_becomes_the_same_by_its_arrays(channels):
    x = np.random.default_rng(0).normal(size=(130, channels, 40))
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    hydra = Hydra((channels, 40), groups=4, kernels=3, seed=1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
    wanted = hydra.fit_transform(x)
    other = Hydra((channels, 40), groups=4, kernels=3, seed=2)
    assert not np.allclose(other.fit_transform(x), wanted)
    np.testing.assert_array_equal(other.restore(hydra.arrays).transform(x), wanted)
