"""The models that an analysis compares, and what it says where one is missing."""

import pytest

from pare.config import PareError
from pare.learners.ensemble import Ensemble
from pare.learners.learner import Data, fit_fingerprint
from pare.learners.source_folders import SourceFolders
from pare.paper.analysis.compared import analysis_config, load_models, network_of
from pare.storage.store import ArrayStore, write_store


@pytest.fixture
def analysis(parameters):
    return analysis_config(parameters["analyse"])


@pytest.fixture
def store(tmp_path, rows):
    path = tmp_path / "x.h5"
    write_store(
        path,
        rows={"train": len(rows["x"])},
        blocks=[("train", rows)],
        statistics={},
        fingerprint="f",
        description={"channels": None, "classes": None},
    )
    return ArrayStore(path)


@pytest.fixture
def folders(tiny_bert, topics):
    return SourceFolders(tiny_bert, topics, ("encoder", "proxy"))


@pytest.fixture
def saved(run, make_model, store, folders):
    """What a folder of models loads as: the functions that load those of some methods."""

    def saved(*methods):
        trained = make_model()
        trained.record |= {"fingerprint": fit_fingerprint(run, Data(store, folders)), "model_input": store.fingerprint}
        trained.record["decisive"] = run.decisive()
        runs = [run.model_copy(update={"method_name": method}) for method in methods]
        return {one.folder: lambda: trained for one in runs}

    return saved


def test_the_runs_own_model_comes_first_then_those_that_are_there(run, analysis, saved, store, folders):
    models = load_models(run, analysis, saved("orca", "finetune", "pare", "mixup"), store, folders)
    assert list(models) == ["pare", "finetune", "orca"]


def test_a_missing_model_is_answered_with_the_command_that_trains_it(run, analysis, saved, store, folders):
    with pytest.raises(PareError, match=r"train it: kedro run .*task=table,method=pare,seed=0$"):
        load_models(run, analysis, saved("finetune"), store, folders)
    changes = {"mixing": run.mixing.model_copy(update={"start": 0.1}), "provenance": {"mixing.start": "command line"}}
    variant = run.model_copy(update={"variant": "start_10", **changes})
    with pytest.raises(PareError, match=r"method=pare,seed=0,variant=start_10,mixing\.start=0\.1$"):
        load_models(variant, analysis, saved("pare", "finetune"), store, folders)
    with pytest.raises(PareError, match=r"method=finetune,seed=0, or .* analyse\.compared=null"):
        load_models(run, analysis, saved("pare"), store, folders)
    alone = analysis.model_copy(update={"compared": None})
    assert load_models(run, alone, saved("pare"), store, folders).keys() == {"pare"}


def test_a_model_of_other_data_or_a_method_without_a_gate_is_refused(run, analysis, saved, store, folders):
    models = saved("pare", "finetune")
    without = run.model_copy(update={"method_name": "finetune", "mixing": None})
    with pytest.raises(PareError, match="method 'finetune' does not do that; use method=pare"):
        load_models(without, analysis, models, store, folders)
    other = SourceFolders(folders.encoder, folders.proxy, ("another", "proxy"))
    with pytest.raises(PareError, match="changed since the model was trained"):
        load_models(run, analysis, models, store, other)


def test_the_runs_own_model_must_have_the_runs_values(run, analysis, saved, store, folders):
    asked = run.model_copy(update={"training": run.training.model_copy(update={"epochs": 4})})
    with pytest.raises(PareError, match=r"trained with another training\.epochs; train it again"):
        load_models(asked, analysis, saved("pare", "finetune"), store, folders)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"rws": 3}, "analyse.rws"), ({"landscape_points": 4}, "odd"), ({"shares": [0, 2]}, "analyse.shares.1")],
)
def test_a_mistake_in_the_parameters_names_the_key(parameters, change, words):
    with pytest.raises(PareError, match=words):
        analysis_config(parameters["analyse"] | change)


def test_the_shipped_parameters_are_valid(parameters):
    assert analysis_config(parameters["analyse"]).compared == "finetune"


def test_the_mean_of_several_trainings_is_no_single_network(make_model):
    model = make_model()
    assert network_of(model) is model.predictor.network
    model.predictor = Ensemble.of_equals([make_model(1), make_model(2)])
    with pytest.raises(PareError, match=r"mean of several trainings.*training\.members=1"):
        network_of(model)
