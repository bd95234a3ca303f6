"""What reaches a tracker, read back by the tracker's own reader; and what a run without one writes: nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from types import SimpleNamespace

import pytest
from accelerate.tracking import LOGGER_TYPE_TO_CLASS
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from pare.config import PareError, resolve
from pare.tracking import Tracking, curve
from pare.tracking.tracked_runs import parameters_of

EPOCHS = [{"epoch": epoch, "loss": 1 / epoch, "validation": 0.5, "seconds": 1.0} for epoch in (1, 2, 3)]
METRICS = {
    "metric": {"name": "error_percent"},
    "test": 12.5,
    "constant_prediction": 50.0,
    "usual": {"accuracy": 0.875, "recall": [1.0, 0.75]},
}


@pytest.fixture
def run(library, parameters):
    """A run of a method."""
    asked = {"task": "openml_wdbc", "method": "pare", "seed": 3}
    return resolve(library, parameters | asked, asked)


@pytest.fixture
def tracking(tmp_path):
    """TensorBoard, with files in an empty folder."""
    return Tracking(tmp_path / "tracking", "tensorboard")


def read(tracking, run, fingerprint="0123456789"):
    """What TensorBoard's reader finds of a run."""
    reader = EventAccumulator(str(tracking.folder / "tensorboard" / f"{run.folder}-{fingerprint[:6]}"))
    return reader.Reload()


def scalars(reader, name):
    return [(event.step, pytest.approx(event.value)) for event in reader.Scalars(name)]


def test_each_epoch_is_logged_once_whenever_it_is_told(tracking, run):
    for known in (1, 3, 3):  # of a training that was interrupted, and of one that was done already
        with tracking.of(run, "0123456789") as tracked:
            tracked.epochs(curve(EPOCHS[:known], {"validation": 0.7}))
    reader = read(tracking, run)
    assert scalars(reader, "loss") == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert scalars(reader, "validation") == [(0, 0.7), (1, 0.5), (2, 0.5), (3, 0.5)]
    assert "epoch" not in reader.Tags()["scalars"]


def test_the_model_of_other_values_is_another_run(tracking, run):
    for fingerprint in ("aaaaaa", "bbbbbb"):
        with tracking.of(run, fingerprint) as tracked:
            tracked.epochs(EPOCHS)
        assert len(read(tracking, run, fingerprint).Scalars("loss")) == 3


def test_test_metrics_and_figures_are_logged_once(tracking, run):
    figure = Figure(figsize=(2, 1))
    for _ in range(2):
        with tracking.of(run, "0123456789") as tracked:
            tracked.results(METRICS, {"prediction": figure})
    reader = read(tracking, run)
    found = {name: reader.Scalars(name)[0].value for name in reader.Tags()["scalars"]}
    assert found == {"test/error_percent": 12.5, "test/constant_prediction": 50, "test/accuracy": 0.875}
    (picture,) = reader.Images("prediction")
    assert (picture.width, picture.height) == (200, 100)


def test_the_values_of_a_run_are_hyperparameters(tracking, run):
    with tracking.of(run, "0123456789"):
        pass
    folder = tracking.folder / "tensorboard" / f"{run.folder}-012345"
    (events,) = folder.glob("*/events*")
    content = EventAccumulator(str(events)).Reload().PluginTagToContent("hparams")["_hparams_/session_start_info"]
    given = HParamsPluginData.FromString(content).session_start_info.hparams
    found = {name: getattr(value, value.WhichOneof("kind")) for name, value in given.items()}
    assert found == parameters_of(run)
    assert found["task"] == "openml_wdbc" and found["seed"] == 3
    assert found["training.learning_rate"] == run.training.learning_rate
    assert found["mixing.start"] == run.mixing.start


def test_a_run_without_a_tracker_writes_nothing(run, tmp_path):
    with Tracking(tmp_path / "tracking").of(run, "0123456789") as tracked:
        tracked.epochs(EPOCHS)
        tracked.results(METRICS, {})
    assert [*tmp_path.iterdir()] == []


def test_an_unknown_tracker_is_refused():
    with pytest.raises(PareError, match=r"tracking 'tensorbord' is unknown\. Did you mean 'tensorboard'"):
        Tracking(name="tensorbord")


def test_a_tracker_that_is_not_installed_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("pare.tracking.tracked_runs.find_spec", lambda package: None)
    with pytest.raises(PareError, match="tracking=mlflow needs mlflow, which is not installed: pip install mlflow"):
        Tracking(name="mlflow")


class SlowTracker(SimpleNamespace):
    """A tracker that takes a while to start, and notes when."""

    def start(self):
        self.starts.append("begins")
        time.sleep(0.2)
        self.starts.append("has begun")

    def store_init_configuration(self, values):
        """Take the parameters."""

    def finish(self):
        """End."""


def test_a_run_goes_on_where_it_is_and_begins_anew_in_another_store(tmp_path, monkeypatch, run):
    started = SimpleNamespace(info=SimpleNamespace(run_id="1"))
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "mlflow", partial(SlowTracker, starts=[], tracker=started))
    monkeypatch.setattr("pare.tracking.tracked_runs.find_spec", lambda package: True)  # it need not be installed
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # which is put back at the end

    def goes_on(folder, server=None):
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        if server:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
        with Tracking(tmp_path / folder, "mlflow").of(run, "0123456") as tracked:
            return tracked.tracker.run_id == "1"

    assert [goes_on("tracking"), goes_on("tracking")] == [False, True]
    (tmp_path / "tracking").rename(tmp_path / "moved")
    assert goes_on("moved")
    assert [goes_on("moved", "http://server"), goes_on("moved", "http://server")] == [False, True]


def test_two_runs_at_a_time_open_a_tracker_one_after_the_other(tmp_path, monkeypatch, library, parameters):
    starts, both = [], Barrier(2)
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, "tensorboard", partial(SlowTracker, starts=starts))

    def log(seed):
        asked = {"task": "openml_wdbc", "method": "probe", "seed": seed}
        with Tracking(tmp_path / "tracking", "tensorboard").of(resolve(library, parameters | asked, asked), "0123456"):
            both.wait(timeout=10)  # neither waits for the other's end

    with ThreadPoolExecutor(2) as threads:
        assert [*threads.map(log, (0, 1))] == [None, None]
    assert starts == ["begins", "has begun"] * 2
