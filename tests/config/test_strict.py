"""Keys that older versions had, in YAML and in the records of models."""

import pytest

from pare.config import PareError, Run, resolve
from pare.config.hyperparameters import AlignmentConfig, MixingConfig, TrainingConfig
from pare.config.schema import Candidates, StartConfig
from pare.config.strict import validated

GIVEN = {
    TrainingConfig: {"epochs": 1, "batch_size": 2, "learning_rate": 0.1},
    MixingConfig: {"start": 0.3},
    AlignmentConfig: {"epochs": 1, "samples": 2, "source_samples": 2, "regularisation": 0.1},
    StartConfig: {"source": "minilm", "layers": [1]},
    Candidates: {"folds": 1, "methods": ["probe"]},
}


@pytest.mark.parametrize("model", GIVEN)
def test_a_constant_may_be_given_with_its_value_and_with_no_other(model):
    for key, value in model.CONSTANTS.items():
        assert validated(model, "x", GIVEN[model] | {key: value}) == model(**GIVEN[model])
        with pytest.raises(PareError, match=rf"'x\.{key}' is no option any more.*found 7; drop it"):
            validated(model, "x", GIVEN[model] | {key: 7})


@pytest.mark.parametrize(("task", "method"), [("openml_wdbc", "pare"), ("darcy_flow", "orca")])
def test_the_record_of_an_older_model_loads_and_decides_the_same(library, parameters, task, method):
    run = resolve(library, parameters | {"task": task, "method": method}, {})
    record = run.model_dump(mode="json")
    for section in ("training", "mixing", "alignment"):
        if record[section]:
            record[section] |= getattr(run, section).CONSTANTS
    record["start"]["few"] = StartConfig.CONSTANTS["few"] if task == "darcy_flow" else None
    record["provenance"] |= {"training.adam_beta2": "command line"}
    older = Run.model_validate(record)
    assert older.decisive() == run.decisive()
    assert older.params == run.params


def test_fingerprints_hold_the_constants_so_that_older_models_are_known(library, parameters):
    decisive = resolve(library, parameters | {"task": "darcy_flow", "method": "orca"}, {}).decisive()
    assert decisive["training"].items() >= TrainingConfig.CONSTANTS.items()
    assert decisive["alignment"].items() >= AlignmentConfig.CONSTANTS.items()
    assert decisive["start"]["few"] == {"rows": 100, "epochs": 3, "mixing": {"batches": 1.0, "passes": 1}}
