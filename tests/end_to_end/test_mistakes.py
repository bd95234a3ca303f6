import re
import shutil
import signal

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.slow

TINY = "task=darcy_flow,source=tiny"
# The same run with its defaults.
INGEST = "`kedro run --pipelines=ingest --params task=darcy_flow,method=pare,seed=0,source=tiny`"
RAW = "data/01_raw/darcy_flow"


def assert_one_message(outcome, *words):
    """The command failed with one message that holds the words, and left nothing unfinished."""
    said = outcome.out + outcome.err
    assert outcome.code in (1, 2), said
    for clutter in ("Traceback", "failed with error", "from-nodes"):
        assert clutter not in said
    assert len(re.findall("^Error: ", said, re.MULTILINE)) == 1, said
    for word in words:
        assert word in said
    assert outcome.leftovers == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--params", "task=darcy"], ["task 'darcy' is unknown", "darcy_flow"]),
        (["--params", "source=minilmm"], ["source 'minilmm' is unknown", "minilm"]),
        (["--params", "method=par"], ["method 'par' is unknown", "pare"]),
        (["--params", "training.epoch=3"], ["training.epoch", "training.epochs"]),
        (["--params", "training.epochs=-1"], ["training.epochs", "-1"]),
        (["--params", "training.learning_rate=fast"], ["training.learning_rate", "fast"]),
        (["--env", "nowhere"], ["nowhere"]),
    ],
)
def test_a_wrong_parameter_is_told_before_anything_happens(project, kedro, args, words):
    assert_one_message(kedro(project, *args), *words)
    assert not (project / "data").exists()


def test_a_broken_yaml_file_is_named(project, kedro):
    (project / "conf" / "local" / "tasks" / "mine.yml").write_text("mine: [1")
    assert_one_message(kedro(project), "mine.yml")


def test_an_unknown_pipeline_is_named(project, kedro):
    outcome = kedro(project, "--pipelines=ingest,trian")
    assert_one_message(outcome, "pipeline 'trian' is unknown. Did you mean 'train'")
    assert "Results: " not in outcome.out + outcome.err  # nothing is said to have begun


def truncate(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def not_finite(file):
    with h5py.File(file, "r+") as stored:
        stored["sol"][:, :, 3] = np.nan


def other_grid(file):
    with h5py.File(file, "r+") as stored:
        for name in ("coeff", "sol"):
            fields, kind = stored[name][:100, :100], stored[name].attrs["MATLAB_class"]
            del stored[name]
            stored[name] = fields
            stored[name].attrs["MATLAB_class"] = kind


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda file: file.unlink(),
            ["no file piececonst_r*_smooth1.mat", INGEST],
        ),
        (truncate, ["smooth1.mat", "damaged or cut short", INGEST]),
        (not_finite, ["smooth1.mat", "is not what was brought", INGEST]),
        (other_grid, ["100 grid points", "stride"]),
    ],
    ids=["missing", "truncated", "not finite", "other grid"],
)
def test_a_damaged_raw_file_is_named(with_raw_files, kedro, damage, words):
    damage(next((with_raw_files / RAW).glob("*smooth1.mat")))
    result = kedro(with_raw_files, "--pipelines=preprocess", "--params", TINY)
    assert_one_message(result, *words)
    assert not list((with_raw_files / "data" / "05_model_input").glob("*"))


@pytest.mark.parametrize(
    ("layer", "pipeline"), [("01_raw", "ingest"), ("05_model_input", "preprocess"), ("08_reporting", "__default__")]
)
def test_a_data_folder_that_cannot_be_written_is_named(with_raw_files, kedro, layer, pipeline):
    folder = with_raw_files / "data" / layer
    shutil.rmtree(folder, ignore_errors=True)
    folder.touch()
    outcome = kedro(with_raw_files, f"--pipelines={pipeline}", "--params", f"{TINY},training.epochs=1")
    assert_one_message(outcome, str(folder))


STOPPED = f"{TINY},training.epochs=15"
EPOCH = "epoch 2/15"
STOPPED_FOLDER = "data/06_models/darcy_flow/pare/source_tiny/seed_0"


def assert_stopped(outcome, project, code, said):
    """The command ended in one message, and left its last step alone."""
    assert outcome.code == code, outcome.out
    assert outcome.err.strip().endswith(f"{said}. The same command goes on after the last step or fit that was saved.")
    assert "Traceback" not in outcome.out + outcome.err
    assert {path.name for path in (project / STOPPED_FOLDER).iterdir()} == {"checkpoint"}
    assert outcome.leftovers == []


def test_an_interrupted_run_leaves_its_last_step_and_the_same_command_goes_on(with_raw_files, kedro, kedro_interrupted):
    folder = with_raw_files / STOPPED_FOLDER
    stopped = kedro_interrupted(with_raw_files, EPOCH, "--params", STOPPED)
    assert_stopped(stopped, with_raw_files, 130, "Interrupted")
    resumed = kedro(with_raw_files, "--params", STOPPED)
    assert resumed.code == 0, resumed.err
    (place,) = re.findall("Stopped after (.+), which is saved", stopped.out)
    assert f"Going on after {place}." in resumed.out
    assert {path.name for path in folder.iterdir()} == {"model"}


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGTERM, 143, "Terminated"), (signal.SIGHUP, 129, "Hung up")]
)
def test_a_run_that_a_scheduler_or_a_closed_terminal_ends_leaves_it_as_well(
    with_raw_files, kedro_interrupted, number, code, said
):
    stopped = kedro_interrupted(with_raw_files, EPOCH, "--params", STOPPED, number=number)
    assert_stopped(stopped, with_raw_files, code, said)
