"""A method with a first stage: ORCA's alignment at the start of a training."""

import pytest
import torch

from pare.learners.fit import Fit
from pare.learners.learner import Data, fit_fingerprint
from pare.learners.networks.training.trainer import Trainer


@pytest.fixture
def orca(table_run):
    """The ORCA run on the small table, with a short alignment."""
    run = table_run({"method": "orca"}, epochs=2, checkpoint_minutes=1e-9)
    settings = {"epochs": 3, "samples": 8, "source_samples": 32, "regularisation": 1.0}
    return run.model_copy(update={"alignment": run.alignment.model_copy(update=settings)})


@pytest.fixture
def train_orca(orca, table, source, tmp_path):
    """Train it in a folder of that name."""
    return lambda folder: Fit(orca, Data(table, source)).model(tmp_path / folder)


def test_an_interrupted_run_goes_on_to_identical_weights_without_aligning_again(orca, train_orca, monkeypatch):
    whole = train_orca("whole")
    assert whole.record["alignment"]["after"] < whole.record["alignment"]["before"]
    assert len(whole.record["alignment"]["distances"]) == 3
    assert whole.record["train_seconds"] >= round(whole.record["alignment"]["seconds"], 1)

    original = Trainer._epoch

    def interrupted(self, epoch, bar):
        if epoch == 1:
            raise KeyboardInterrupt
        original(self, epoch, bar)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "_epoch", interrupted)
        train_orca("killed")

    def again(*_, **__):
        raise AssertionError("aligned again")

    monkeypatch.setattr("pare.learners.networks.transformer.align_embedder", again)
    resumed = train_orca("killed")
    one, other = (model.predictor.network.state_dict() for model in (whole, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    kept = resumed.record["alignment"]
    assert {**kept, "seconds": 0} == {**whole.record["alignment"], "seconds": 0}


def test_the_settings_of_the_first_stage_are_part_of_the_fingerprint(orca, table_run, table, source):
    longer = orca.model_copy(update={"alignment": orca.alignment.model_copy(update={"epochs": 4})})
    runs = (orca, longer, table_run({"method": "finetune"}, epochs=2))
    assert len({fit_fingerprint(run, Data(table, source)) for run in runs}) == 3
