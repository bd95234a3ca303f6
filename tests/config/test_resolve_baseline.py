"""Runs of baselines: what they take from the task, and what they refuse."""

import pytest

from pare.config import PareError, resolve, resolve_baseline


@pytest.fixture
def run(library, parameters):
    def run(**overrides):
        asked = {"task": "openml_wdbc", "method": "xgboost"} | overrides
        sections = {"training": parameters["training"] | asked.get("training", {})}
        return resolve_baseline(library, parameters | asked | sections, asked)

    return run


def test_rows_and_weights_are_the_tasks_and_options_the_baselines(run, library):
    resolved = run(options={"learning_rate": 0.3}, training={"fraction": 0.5}, variant="half")
    assert resolved.training.class_weights and resolved.training.fraction == 0.5
    assert resolved.options == library.baselines["xgboost"]["options"] | {"learning_rate": 0.3}
    assert resolved.overridden == {"options.learning_rate": 0.3, "training.fraction": 0.5}
    assert (resolved.method_folder, resolved.metric) == ("xgboost-half", "auroc_ovo")
    assert resolved.provenance["options.subsample"] == "baseline xgboost"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"training": {"epochs": 3}}, r"training\.epochs has no effect on baseline 'xgboost'.*options\.learning_rate"),
        ({"mixing": {"start": 0.1}}, "mixing has no effect"),
        ({"source": "minilm"}, "source has no effect"),
        ({"method": "pare"}, r"'pare' is no baseline; run it: kedro run --pipelines=pare_train --params method=pare"),
        ({"method": "xgbost"}, "baseline 'xgbost' is unknown.*Did you mean 'xgboost'.*conf/base/baselines.yml"),
        ({"tsk": "x"}, "parameter 'tsk' is unknown"),
        ({"seed": -1}, "'seed'.*found -1"),
    ],
)
def test_what_a_baseline_has_no_use_for_is_refused(run, overrides, words):
    with pytest.raises(PareError, match=words):
        run(**overrides)


def test_a_method_refuses_the_options_of_a_baseline_and_a_baseline_is_no_method(library, parameters):
    with pytest.raises(PareError, match=r"options\.\* are those of a baseline, 'pare' is a method"):
        resolve(library, parameters, {"options": {"max_depth": 3}})
    with pytest.raises(PareError, match=r"'fno' is a baseline; run it: kedro run --pipelines=baseline"):
        resolve(library, parameters | {"method": "fno"}, {})


def test_every_shipped_baseline_is_valid(library, run):
    for name in library.baselines:
        assert run(method=name).baseline.title
