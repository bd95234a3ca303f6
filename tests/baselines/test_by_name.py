"""What is refused before anything is fitted."""

import sys

import pytest

from pare.baselines import ESTIMATORS, by_name, check_baseline
from pare.config import PareError, resolve_baseline


@pytest.fixture
def run(library, parameters):
    def run(task, method, **options):
        overrides = {"task": task, "method": method, "options": options}
        return resolve_baseline(library, parameters | overrides, overrides)

    return run


def test_every_shipped_baseline_has_an_estimator_and_options_that_it_knows(run, library):
    fitting = {"tables": "openml_wdbc", "grids": "darcy_flow", "series": "ecg", "images": "cifar100"}
    assert not set(library.baselines) & set(library.methods)
    for name in library.baselines:
        estimator = ESTIMATORS[library.baseline(name).estimator]
        check_baseline(run(fitting[estimator.inputs], name))


@pytest.mark.parametrize(
    ("task", "method", "others"),
    [
        ("darcy_flow", "xgboost", "fno, u_net, kernel_ridge"),
        ("ecg", "lightgbm", "minirocket"),
        ("openml_wdbc", "fno", "xgboost, lightgbm, catboost, logistic_regression"),
        ("cifar100", "u_net", "none"),
    ],
)
def test_an_estimator_that_does_not_suit_the_task_names_those_that_do(run, monkeypatch, task, method, others):
    known = ("xgboost", "lightgbm", "catboost", "logistic_regression", "fno", "u_net", "kernel_ridge", "minirocket")
    monkeypatch.setattr(by_name, "ESTIMATORS", {name: ESTIMATORS[name] for name in known})
    with pytest.raises(PareError, match=rf"^{method} predicts .*task '{task}'.*Baselines that suit it: {others}$"):
        check_baseline(run(task, method))


def test_a_missing_package_says_how_it_is_installed(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(PareError, match=r"'xgboost', not installed; pip install 'pare-transfer\[baselines\]'"):
        check_baseline(run("openml_wdbc", "xgboost"))


@pytest.mark.parametrize(
    ("method", "option", "words"),
    [
        ("fno", {"epoch": 3}, r"options\.epoch' is unknown.*Did you mean 'options\.epochs'"),
        ("fno", {"epochs": 0}, r"options\.epochs.*greater than or equal to 1, found 0"),
        ("u_net", {"features": [1, 2]}, r"options\.features"),
    ],
)
def test_a_wrong_option_is_named(run, method, option, words):
    with pytest.raises(PareError, match=words):
        check_baseline(run("darcy_flow", method, **option))
