"""Models go to the Hugging Face hub and come back; the hub here is a folder."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import ModelCard, constants

from pare import load
from pare.config import PareError, resolve
from pare.learners.model import Model
from pare.learners.networks.models import load_backbone
from pare.learners.networks.trained_network import TrainedNetwork, assemble
from pare.prediction.predict import Predictor

COMMIT = "0" * 40
ROWS = np.random.default_rng(0).normal(size=(5, 30)).astype(np.float32)


@pytest.fixture
def predictor(library, parameters, tiny_bert, unprepared):
    """A model of a table as a training would begin it at random."""
    run = resolve(library, parameters | {"task": "openml_wdbc", "method": "finetune", "start": "random"}, {})
    network = assemble(run, load_backbone(tiny_bert, run.grid), 2, (), rows=0).eval()
    config = json.loads((tiny_bert / "config.json").read_text())
    record = {"source_classes": 2, "categories": []}
    preparation = replace(unprepared, columns=[f"feature {i}" for i in range(30)])
    trained = Model(run, TrainedNetwork(network, config), record, preparation)
    return Predictor(trained, "cpu")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The hub's cache, without a network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def commits(cache, monkeypatch):
    """Uploads of models, which lie in the cache afterwards, in its own layout."""
    commits = []

    def create_repo(api, repo_id, *, private, exist_ok):
        assert exist_ok
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(api, *, repo_id, folder_path, commit_message, delete_patterns):
        commits.append((repo_id, commit_message, delete_patterns))
        repo = cache / f"models--{repo_id.replace('/', '--')}"
        shutil.copytree(folder_path, repo / "snapshots" / COMMIT)
        (repo / "refs").mkdir()
        (repo / "refs" / "main").write_text(COMMIT)
        return f"https://huggingface.co/{repo_id}/commit/{COMMIT}"

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", create_repo)
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", upload_folder)
    return commits


@pytest.mark.parametrize("address", ["hf://me/cells", f"hf://me/cells@{COMMIT}"])
def test_a_model_that_comes_back_predicts_the_same(predictor, commits, address):
    assert predictor.push_to_hub("me/cells").endswith(f"me/cells/commit/{COMMIT}")
    assert commits == [("me/cells", f"Upload {predictor.trained.run.title}", "*")]
    np.testing.assert_array_equal(load(address, "cpu").predict_proba(ROWS), predictor.predict_proba(ROWS))


def test_the_hub_reads_the_card(predictor, tmp_path):
    predictor.trained.save(tmp_path / "model")
    card = ModelCard.load(tmp_path / "model" / "README.md", ignore_metadata_errors=False)
    assert (card.data.library_name, card.data.license) == ("pare", "other")
    assert card.data.tags == ["cross-modal-fine-tuning", "table"]
    assert predictor.trained.run.source.encoder.licence in card.text


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("address", ["hf://me/unknown", "hf://me/unknown@v1", "hf://no owner/at/all"])
def test_what_cannot_be_fetched_is_named_with_what_helps(address):
    with pytest.raises(PareError, match=rf"cannot fetch the model '{address}' .*hf download .* and load that folder"):
        load(address)


@pytest.mark.usefixtures("cache")
def test_an_upload_without_a_network_is_refused_and_told(predictor):
    with pytest.raises(PareError, match=r"cannot upload the model to 'me/cells' .*OfflineModeIsEnabled.*hf auth login"):
        predictor.push_to_hub("me/cells")


def test_a_repository_without_a_model_is_told(predictor, commits, cache):
    predictor.push_to_hub("me/cells")
    (cache / "models--me--cells" / "snapshots" / COMMIT / "record.json").unlink()
    with pytest.raises(PareError, match=r"holds no trained model \(record\.json\)"):
        load("hf://me/cells")
