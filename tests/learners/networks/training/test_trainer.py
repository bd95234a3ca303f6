import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy.special import softmax
from sklearn.metrics import log_loss

from evaluated_runs import write_splits
from pare.config import PareError
from pare.config.schema import OutputConfig, Task
from pare.data.preparation.split import draw_rows
from pare.evaluation.metrics import METRICS, build_metric
from pare.evaluation.scoring import predict_rows
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.model import Model
from pare.learners.networks.mixing.curriculum import SHAPES
from pare.learners.networks.mixing.mixers import MIXERS
from pare.learners.networks.models.predictors import GATES
from pare.learners.networks.training.session import Session
from pare.learners.networks.training.setup import Setup
from pare.learners.networks.transformer import build_parts
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore, write_store

CPU = torch.device("cpu")
BINARY = OutputConfig(kind="classification", shape=(2,))


def equal_weights(one, other):
    one, other = one.predictor.network.state_dict(), other.predictor.network.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def values(history):
    """The history without the times."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


@pytest.fixture(scope="module")
def trained(train, table_run, table, tmp_path_factory):
    """The plain PaRe run on the small table, and its folder."""
    folder = tmp_path_factory.mktemp("trained")
    return train(table_run(), table, folder), folder


@pytest.fixture
def on_table(train, table_run, table, tmp_path):
    """Train a run on the small table in a folder of the test's own."""
    return lambda top=None, folder="", **training: train(table_run(top, **training), table, tmp_path / folder)


def test_the_same_seed_gives_the_same_weights_and_history(trained, on_table):
    again = on_table()
    assert equal_weights(trained[0], again)
    assert values(trained[0].record["history"]) == values(again.record["history"])


def test_another_seed_gives_other_weights(trained, on_table):
    assert not equal_weights(trained[0], on_table({"seed": 1}))


def test_history_follows_the_curriculum_and_adds_up(trained):
    history = trained[0].record["history"]
    assert [row["k"] for row in history] == [6, 3, 0]  # of 6 tokens, from 3000/3136 down to 0
    for row in history[:2]:
        mixed = (1 - row["lambda"]) * row["loss_mixed_target"] + row["lambda"] * row["loss_source"]
        assert row["loss"] == pytest.approx(row["loss_target"] + mixed, rel=1e-5)
    assert history[2]["loss"] == pytest.approx(2 * history[2]["loss_target"], rel=1e-5)
    assert np.mean(trained[0].record["replaced"], axis=1) == pytest.approx([6 / 6, 3 / 6, 0 / 6], rel=1e-5)


def test_the_recorded_validation_metric_is_that_of_the_returned_model(trained, table):
    record = trained[0].record
    outcome = predict_rows(partial(trained[0].outputs, device=CPU), table.rows("validation"))
    recomputed = build_metric("auroc_ovo", BINARY)(outcome["prediction"], outcome["truth"])
    assert recomputed == record["validation"] == max(row["validation"] for row in record["history"])


@pytest.fixture
def scripted(monkeypatch):
    """Let the metric of a training say these values, epoch by epoch; the predictions that it saw."""

    def scripted(values, higher_is_better):
        said, seen = iter(values), []
        like = METRICS["auroc_ovo" if higher_is_better else "error_percent"]
        monkeypatch.setattr("pare.learners.networks.training.validation.METRICS", {"auroc_ovo": like})
        monkeypatch.setattr(
            "pare.learners.networks.training.setup.build_metric",
            lambda *_: lambda prediction, _: seen.append(prediction) or next(said),
        )
        return seen

    return scripted


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_the_returned_model_is_that_of_the_best_validation_epoch(on_table, table, scripted, higher_is_better):
    values = [0.5, 0.9, 0.7] if higher_is_better else [0.5, 0.1, 0.3]
    seen = scripted(values, higher_is_better)
    result = on_table()
    assert (result.record["best_epoch"], result.record["validation"]) == (2, values[1])
    predictions = predict_rows(partial(result.outputs, device=CPU), table.rows("validation"))["prediction"]
    np.testing.assert_allclose(predictions, seen[1], rtol=1e-5, atol=1e-6)
    assert not np.allclose(predictions, seen[2], rtol=1e-5)


def test_the_learning_rate_rises_for_a_tenth_of_the_epochs_where_no_number_is_given(on_table):
    rates = [row["learning_rate"] for row in on_table(epochs=20, warmup_epochs=None).record["history"]]
    assert rates[0] < rates[1] == max(rates) == pytest.approx(1e-3)


def test_an_epoch_of_the_warm_up_is_returned_only_where_no_later_one_is(on_table, scripted):
    for epochs, best in ((3, 3), (1, 1)):
        scripted([0.9, 0.5, 0.7], True)
        result = on_table(epochs=epochs, warmup_epochs=1, folder=str(epochs))
        assert result.record["best_epoch"] == best


def test_without_validation_rows_the_last_epoch_is_returned(train, table_run, tmp_path):
    store = write(tmp_path / "store.h5", {"train": 24, "test": 8})
    result = train(table_run({"protocol": "paper"}, checkpoint_minutes=1e-9), store, tmp_path)
    saves = sorted((tmp_path / "checkpoint" / "0").iterdir(), key=lambda save: int(save.name))
    last = load_file(saves[-1] / "model.safetensors")
    network = result.predictor.network
    assert (
        last.keys()
        == {name for name, weight in network.named_parameters() if weight.requires_grad}
        | {name for name, _ in network.named_buffers()} & network.state_dict().keys()
    )
    assert all(torch.equal(network.state_dict()[name], value) for name, value in last.items())
    assert result.record["best_epoch"] == 3
    assert result.record["validation"] is None


# Runs the run in a process of its own that kills itself, as the kernel would when memory is short.
KILLED = """
import os, signal, sys, time
from pathlib import Path
from pare.config import Run
from pare.learners.fit import Fit
from pare.learners.learner import Data
from pare.learners.networks.training import checkpoint
from pare.learners.networks.training.steps import Steps
from pare.learners.source_folders import SourceFolders
from pare.storage.store import ArrayStore

run, store, encoder, proxy, folder, owner, method, calls = sys.argv[1:]
owner, calls = {"Steps": Steps, "checkpoint": checkpoint}[owner], int(calls)
original, count = getattr(owner, method), 0

def die(*args, **kwargs):
    global count
    count += 1
    result = original(*args, **kwargs)
    if count == calls:
        while not list(Path(folder).glob("checkpoint/0/[0-9]*")):  # the first save, which a thread writes
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, method, die)
source = SourceFolders(Path(encoder), Path(proxy), ("encoder", "proxy"))
run = Run.model_validate_json(Path(run).read_text())
Fit(run, Data(ArrayStore(Path(store)), source)).model(Path(folder) / "checkpoint")
"""


@pytest.fixture(
    params=[("Steps", "step", 6 + 3), ("checkpoint", "write_checksums", 2)],
    ids=["in the middle of the second epoch", "while the second save is written"],
)
def killed(request, table_run, table, source, tmp_path):
    """A folder in which that run was killed after its first save."""
    (tmp_path / "run.json").write_text(table_run(checkpoint_minutes=1e-9).model_dump_json())
    paths = [tmp_path / "run.json", table.path, source.encoder, source.proxy, tmp_path]
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-c", KILLED, *map(str, paths), *map(str, request.param)]
    assert subprocess.run(command, env=os.environ | threads, check=False).returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.usefixtures("killed")
def test_a_killed_run_goes_on_to_bit_identical_weights(trained, on_table, caplog):
    caplog.set_level("INFO", logger="pare")
    resumed = on_table()
    assert any(line.startswith("Going on after ") for line in caplog.messages)
    assert equal_weights(resumed, trained[0])
    assert values(resumed.record["history"]) == values(trained[0].record["history"])
    assert resumed.record["replaced"] == trained[0].record["replaced"]
    kept = (model.calibration.arrays["prediction"] for model in (resumed, trained[0]))
    np.testing.assert_array_equal(*kept)


def test_a_training_ends_in_one_line_with_its_best_epoch(on_table, caplog):
    caplog.set_level("INFO", logger="pare")
    record = on_table().record
    last = caplog.messages[-1]
    assert last.startswith("3 epochs in ")
    assert f"{record['validation']:.4g} by epoch {record['best_epoch']}" in last


def test_a_loss_that_is_not_finite_names_the_step_and_the_remedy(on_table, tmp_path):
    with pytest.raises(PareError, match=r"epoch 1, step 2, learning rate 1\.00e\+30, .*; lower training\.lear"):
        on_table(learning_rate=1e30, schedule="constant_with_warmup", warmup_epochs=0)
    assert not (tmp_path / "checkpoint").exists()


def test_a_loss_that_is_not_finite_at_the_first_step_names_the_inputs_and_not_the_learning_rate(
    train, table_run, tmp_path
):
    x = np.full((24, 6), 2e38, np.float32)
    x[::2] *= -1.5
    store = write_splits(tmp_path / "x.h5", train={"x": x, "y": np.arange(24) % 2})
    said = r"inputs from -3e\+38 to 2e\+38, answers from 0 to 1; scale inputs that are far from 1, by normal"
    with pytest.raises(PareError, match=rf"epoch 1, step 1, .*{said}"):
        train(table_run({"method": "finetune"}), store, tmp_path)


def test_the_layernorm_method_changes_only_norms_inside_the_encoder(on_table, tiny_bert):
    result = on_table({"method": "layernorm"})
    before = load_file(tiny_bert / "model.safetensors")
    after = result.predictor.network.backbone.encoder.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == {name for name in after if "LayerNorm" in name}
    assert not result.record["replaced"]


def test_the_source_embedder_stays_as_it_was_pretrained(trained, tiny_bert):
    before = load_file(tiny_bert / "model.safetensors")
    after = trained[0].predictor.network.backbone.encoder.state_dict()
    unchanged = {name for name in after if torch.equal(after[name], before[name])}
    assert unchanged == {"embeddings.word_embeddings.weight"}


def test_from_scratch_starts_elsewhere_than_pretrained(on_table):
    scratch = on_table({"method": "from_scratch", "seed": 1}, epochs=1, folder="scratch")
    tuned = on_table({"method": "finetune"}, epochs=1, folder="tuned")
    name = "backbone.encoder.embeddings.word_embeddings.weight"
    assert not torch.equal(*(one.predictor.network.state_dict()[name] for one in (scratch, tuned)))


def test_two_accumulated_half_batches_are_one_batch(on_table):
    whole = on_table({"method": "finetune"}, batch_size=16, folder="whole")
    halves = on_table({"method": "finetune"}, batch_size=8, accumulation=2, folder="halves")
    for name, value in whole.predictor.network.state_dict().items():
        torch.testing.assert_close(halves.predictor.network.state_dict()[name], value, rtol=0, atol=2e-4)
    losses = [[row["loss"] for row in result.record["history"]] for result in (whole, halves)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.parametrize("rows", [41, 40])  # the last batch has one row; the last change has one half of a batch
def test_gradients_that_are_added_up_count_each_row_alike_at_the_end_of_an_epoch(on_table, rows):
    plain = {"fraction": rows / 48, "optimiser": "SGD", "learning_rate": 0.1, "clip_norm": None}
    whole = on_table({"method": "finetune"}, batch_size=16, folder="whole", **plain)
    halves = on_table({"method": "finetune"}, batch_size=8, accumulation=2, folder="halves", **plain)
    for name, value in whole.predictor.network.state_dict().items():
        torch.testing.assert_close(halves.predictor.network.state_dict()[name], value, rtol=0, atol=1e-5)


def test_gradients_that_wait_for_a_late_step_are_dropped_with_it(on_table, monkeypatch):
    plain = {"batch_size": 8, "accumulation": 2, "optimiser": "SGD", "learning_rate": 0.1, "clip_norm": None}
    made = []
    for late in ({1}, {0, 1}, set()):  # the first change of weights loses its second batch, both, none
        monkeypatch.setattr(Session, "is_late", lambda _, step, late=late: step in late)
        made.append(on_table({"method": "finetune"}, folder=f"{len(late)}_late", epochs=1, **plain))
    one, both, none = made
    assert equal_weights(one, both) and not equal_weights(one, none)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")], ids=["missing", "damaged"])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_encoder_is_to_be_ingested_again(table_run, table, source, tmp_path, name, damage):
    encoder = Path(shutil.copytree(source.encoder, tmp_path / "encoder"))
    damage(encoder / name)
    broken = SourceFolders(encoder, source.proxy, source.manifests)
    with pytest.raises(PareError, match="ingest"):
        Fit(table_run(), Data(table, broken)).model(tmp_path / "checkpoint")


@pytest.mark.parametrize("optimiser", ["AdamW", "Adam", "SGD", "Muon"])
@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant_with_warmup"])
def test_every_optimiser_and_schedule_ends_where_it_should(train, table_run, tmp_path, optimiser, schedule):
    store = write(tmp_path / "store.h5", {"train": 16})
    result = train(table_run(optimiser=optimiser, schedule=schedule, epochs=2), store, tmp_path)
    rates = [row["learning_rate"] for row in result.record["history"]]
    assert rates[0] == pytest.approx(1e-3)  # one epoch of warm-up
    assert rates[1] == pytest.approx(1e-3 if schedule == "constant_with_warmup" else 0, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"optimiser": "AdamW"}, {"betas": (0.9, 0.98), "fused": True}),
        ({"optimiser": "Adam", "momentum": 0.8, "square_decay": 0.999}, {"betas": (0.8, 0.999), "fused": True}),
        ({"optimiser": "SGD", "momentum": 0.5}, {"momentum": 0.5, "fused": None, "foreach": None}),  # torch's choice
    ],
)
def test_the_optimiser_takes_its_moments_from_the_configuration(table_run, table, source, changes, expected):
    made = Setup(table_run(**changes, weight_decay=0.01), Data(table, source), build_parts)
    (group,) = made.optimiser.param_groups
    assert group.items() >= (expected | {"weight_decay": 0.01}).items()


def test_a_text_source_refuses_more_tokens_than_it_has_positions(train, table_run, table, tmp_path):
    run = table_run()
    wide = run.task.model_copy(update={"input": run.task.input.model_copy(update={"shape": (600,)})})
    with pytest.raises(PareError, match="600 tokens"):
        train(run.model_copy(update={"task": wide}), table, tmp_path)


def test_class_weights_make_the_rare_class_count_as_much(table_run, source, tmp_path):
    store = write(tmp_path / "store.h5", {"train": 40, "validation": 8}, share=0.25)
    made = Setup(table_run(class_weights=True), Data(store, source), build_parts)
    logits, labels = np.array([[1, 0], [1, 0]]), np.array([0, 1])
    found = made.loss(torch.tensor(logits, dtype=torch.float32), torch.tensor(labels))
    assert found.item() == pytest.approx(log_loss(labels, softmax(logits, 1), sample_weight=[1, 3]))


def test_class_weights_need_classes(train, table_run, table, tmp_path):
    run = table_run(class_weights=True)
    numbers = run.task.model_dump() | {"output": {"kind": "regression", "shape": [1]}, "loss": "mse", "metric": "rmse"}
    with pytest.raises(PareError, match=r"the task predicts regression; set training.class_weights=false"):
        train(run.model_copy(update={"task": Task.model_validate(numbers)}), table, tmp_path)


def write(path: Path, rows: dict[str, int], share: float = 0.5) -> ArrayStore:
    """A table of noise in which that share of each split is of class 1."""
    rng = np.random.default_rng(0)
    blocks = [
        (split, {"x": rng.normal(size=(n, 6)).astype(np.float32), "y": (np.arange(n) < share * n).astype(np.int64)})
        for split, n in rows.items()
    ]
    write_store(path, rows=rows, blocks=blocks, statistics={}, fingerprint="noise", description={"classes": None})
    return ArrayStore(path)


def test_a_fraction_of_the_training_rows_is_drawn_by_the_seed(train, table_run, table, tmp_path):
    small = train(table_run(fraction=0.25, epochs=1), table, tmp_path / "a")
    assert small.record["n_train"] == 12
    again = train(table_run(fraction=0.25, epochs=1), table, tmp_path / "b")
    other = train(table_run({"seed": 1}, fraction=0.25, epochs=1), table, tmp_path / "c")
    assert small.record["history"][0]["loss"] == again.record["history"][0]["loss"]
    assert small.record["history"][0]["loss"] != other.record["history"][0]["loss"]


@pytest.mark.parametrize("start", ["solved", "random"])
def test_rows_that_a_fraction_leaves_out_change_nothing(train, table_run, tmp_path, start):
    store, used = write(tmp_path / "store.h5", {"train": 48, "validation": 12}), draw_rows(48, 0.5, seed=0)
    other = {split: {name: store.rows(split).array(name) for name in ("x", "y")} for split in ("train", "validation")}
    other["train"]["x"][np.setdiff1d(np.arange(48), used)] *= 1000
    rows = {split: len(arrays["y"]) for split, arrays in other.items()}
    description = {"classes": None}
    write_store(
        tmp_path / "other.h5", rows=rows, blocks=other.items(), statistics={}, fingerprint="n", description=description
    )
    run = table_run({"start": start}, fraction=0.5, epochs=1)
    stores = {"as_is": store, "other": ArrayStore(tmp_path / "other.h5")}
    assert equal_weights(*(train(run, one, tmp_path / name) for name, one in stores.items()))


@pytest.mark.parametrize(
    "mixing",
    [
        *({"mixer": mixer} for mixer in MIXERS),
        *({"gate": gate} for gate in GATES),
        *({"curriculum": shape} for shape in SHAPES),
        {"partner": "target", "mixer": "mixup"},
        {"partner": "nothing"},
        {"selector": "random"},
    ],
)
def test_every_way_of_mixing_trains_and_loads_again(train, table_run, table, tmp_path, mixing):
    model = train(table_run({"mixing": mixing}, epochs=2), table, tmp_path)
    assert len(model.record["history"]) == 2
    model.save(tmp_path / "saved")
    x = table.rows("test").read(0, 5)["x"]
    np.testing.assert_array_equal(Model.load(tmp_path / "saved").outputs(x, CPU), model.outputs(x, CPU))


def test_half_of_the_batches_are_mixed(train, table_run, table, tmp_path):
    """Each mixed batch adds a score for every token; the shares are those of the batches that were mixed."""
    whole, half = (
        train(table_run({"mixing": {"batches": share}}, epochs=2), table, tmp_path / str(share)) for share in (1.0, 0.5)
    )
    counts = [np.sum(model.record["gate_scores"][0]) for model in (whole, half)]
    assert counts[1] == counts[0] / 2 > 0
    for model in (whole, half):
        assert np.mean(model.record["replaced"][0]) == pytest.approx(model.record["history"][0]["lambda"], abs=0.02)
    assert whole.record["history"][0]["loss"] != half.record["history"][0]["loss"]


def test_epochs_of_few_batches_are_mixed_as_often(train, table_run, table, tmp_path):
    """Of one batch an epoch, every fourth epoch is mixed, from the first on."""
    run = table_run({"mixing": {"batches": 0.25, "end": 0.3}}, epochs=8, batch_size=1000)
    scores = train(run, table, tmp_path / "few").record["gate_scores"]
    assert [epoch for epoch, counts in enumerate(scores) if np.sum(counts)] == [0, 4]
