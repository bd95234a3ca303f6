"""What is refused before anything is fitted."""

import sys
from functools import partial
from types import CodeType

import pytest

from pare.config import PareError, resolve_baseline
from pare.learners.libraries import ESTIMATORS, by_name, check_baseline


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


def names_in(function, seen):
    """Names that a function uses, and those in what it calls of this package, as far as they are known by name."""
    if isinstance(function, partial):
        function = function.func
    members = vars(function).values() if isinstance(function, type) else [function]
    for member in members:
        code = getattr(member, "__code__", None)
        if code is None or code in seen or not member.__module__.startswith("pare."):
            continue
        seen.add(code)
        codes = [code, *(constant for constant in code.co_consts if isinstance(constant, CodeType))]
        names = {name for one in codes for name in one.co_names}
        yield from names
        held = [cell.cell_contents for cell in member.__closure__ or ()]
        for other in [*held, *(member.__globals__[name] for name in names if name in member.__globals__)]:
            yield from names_in(other, seen)


def test_the_baselines_that_are_marked_as_networks_are_those_whose_fit_takes_the_accelerator(library):
    on_device = {name for name, one in ESTIMATORS.items() if "PartialState" in names_in(one.fit, set())}
    assert on_device == {"fno", "u_net"}
    for baseline in map(library.baseline, library.baselines):
        assert baseline.network == (baseline.estimator in on_device), baseline.title
