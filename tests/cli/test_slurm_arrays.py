"""`kedro matrix run --engine slurm` writes arrays, and `kedro matrix bundle` runs one of their bundles."""

import json
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest

from pare.matrix.engines import local
from pare.matrix.shared_folder import problem_here

MINE = ("--tasks", "openml_wdbc", "--methods", "pare,xgboost,catboost")


@pytest.fixture
def matrix(project, invoke, monkeypatch):
    """Run `kedro matrix` with some arguments; its output."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # no SLURM of this machine is asked
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    monkeypatch.chdir(project.project_path)

    return partial(invoke, "matrix")


@pytest.fixture
def arrays(matrix, project):
    """Plan a small matrix for SLURM; the content of its plan.json."""

    def arrays(*args):
        matrix("run", "--engine", "slurm", *MINE, *args)
        return json.loads((project.project_path / "data/matrix/own/plan.json").read_text())["arrays"]

    return arrays


@pytest.fixture
def bundle(matrix, monkeypatch):
    """Run a bundle whose jobs are processes that do nothing; ``codes``: exit codes by name; its jobs and its output."""

    def bundle(*args, codes=(), gpus=(), there=False, code=0):
        started, codes = [], dict(codes)

        def start(job, project, folder, share):
            started.append((job.name, share))
            return subprocess.Popen([sys.executable, "-c", f"raise SystemExit({codes.get(job.name, 0)})"])

        with monkeypatch.context() as patch:
            patch.setattr(local, "start", start)
            patch.setattr(local, "TICK_S", 0.02)
            for module in ("pare.matrix.engines.local", "pare.cli.matrix_bundle_command"):
                patch.setattr(f"{module}.gpus", lambda: [*gpus])
            if there:
                patch.setattr("pare.matrix.engines.slurm.Inputs.needed_by", lambda *_: iter(()))
            output = matrix("bundle", "data/matrix/own/plan.json", *args, code=code)
        return SimpleNamespace(jobs=[name for name, _ in started], shares=dict(started), output=output)

    return bundle


@pytest.mark.parametrize(
    ("engine", "option", "message"),
    [
        ("local", ("--hours", "3"), "--hours belongs to --engine slurm, and --engine is local; drop one of them"),
        ("local", ("--submit",), "--submit belongs to --engine slurm, and --engine is local"),
        ("local", ("--address", "auto"), "--address belongs to --engine ray, and --engine is local"),
        ("ray", ("--device", "h100"), "--device belongs to --engine slurm, and --engine is ray"),
        (
            "slurm",
            ("--stop-after", "2"),
            "--stop-after belongs to --engine local and --engine ray, and --engine is slurm",
        ),
        ("slurm", ("--gpus-per-run", "0", "--device", "h100"), "--device h100 is a GPU, and --gpus-per-run 0 says"),
        ("slurm", ("--sbatch", "'x"), '--sbatch takes options as in a shell, found "\'x" (No closing quotation)'),
        ("slurm", ("--device", "h100", "--submit"), "sbatch is not on this machine"),
    ],
)
def test_an_option_that_the_engine_does_not_take_is_refused(matrix, engine, option, message):
    assert message in matrix("run", *MINE, "--engine", engine, *option, code=1)


def test_a_run_takes_at_most_one_gpu(matrix):
    message = "Invalid value for '--gpus-per-run': 2.0 is not in the range 0<=x<=1"
    assert message in matrix("run", *MINE, "--engine", "slurm", "--gpus-per-run", "2", code=2)


def test_the_lines_of_sbatch_are_shown_with_what_comes_next(matrix, project):
    output = matrix(
        "run", "--engine", "slurm", *MINE, "--device", "h100", "--sbatch", "--partition=gpu", "--workers", "2"
    )
    script = (project.project_path / "data/matrix/own/array.sh").read_text()
    shown = [line for line in output.splitlines() if "sbatch --parsable" in line]
    assert len(shown) == 3
    assert all(line in script and "--partition=gpu --array=0-0%2" in line for line in shown)
    assert f"cd {project.project_path}\n" in output
    assert "Submit it by `bash data/matrix/own/array.sh`" in output
    assert "--inputs-only in place of --engine slurm" in output
    assert output.endswith("After their end the same command plans only what is not done then.\n")


def test_each_array_has_the_jobs_of_its_kind(arrays):
    inputs = ["raw-openml_wdbc", "input-openml_wdbc", "encoder-minilm", "proxy-english_topics"]
    found = {
        array["name"]: [name for bundle in array["bundles"] for name in bundle] for array in arrays("--seeds", "0-1")
    }
    assert found.keys() == {"inputs", "cpu", "gpu"}
    assert sorted(found["inputs"]) == sorted(inputs)
    assert sorted(found["cpu"]) == [f"openml_wdbc-{name}-{seed}" for name in ("catboost", "xgboost") for seed in (0, 1)]
    assert sorted(found["gpu"]) == ["openml_wdbc-pare-0", "openml_wdbc-pare-1"]


def test_a_bundle_goes_on_after_a_failure_and_ends_with_code_1(arrays, bundle):
    arrays()
    ran = bundle("cpu", "0", codes={"openml_wdbc-xgboost-0": 3}, there=True, code=1)
    assert sorted(ran.jobs) == ["openml_wdbc-catboost-0", "openml_wdbc-xgboost-0"]
    assert "FAILED: openml_wdbc-xgboost-0" in ran.output
    assert "1 job done, 1 failed." in ran.output
    assert bundle("cpu", "0", there=True).output.endswith("2 jobs done.\n")


def test_an_input_whose_files_failed_is_skipped_and_others_are_made(arrays, bundle):
    arrays()
    ran = bundle("inputs", "0", codes={"raw-openml_wdbc": 1}, code=1)
    assert sorted(ran.jobs) == ["encoder-minilm", "proxy-english_topics", "raw-openml_wdbc"]
    assert "skipped: input-openml_wdbc: raw-openml_wdbc failed" in ran.output


def test_a_run_without_its_input_is_not_started(arrays, bundle):
    arrays()
    ran = bundle("cpu", "0", code=1)
    assert ran.jobs == []
    for method in ("catboost", "xgboost"):
        reason = "not there: raw-openml_wdbc, input-openml_wdbc; see the logs of these"
        assert f"skipped: openml_wdbc-{method}-0: {reason}" in ran.output


def test_slurms_own_number_is_the_default(arrays, bundle, monkeypatch):
    both = arrays("--array-limit", "2", "--bundle-hours", "0.5", "--seeds", "0-1")[1]["bundles"]
    assert len(both) == 2
    assert "Missing argument 'NUMBER'" in bundle("cpu", there=True, code=2).output
    assert bundle("cpu", "0", there=True).jobs == both[0]
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    assert bundle("cpu", there=True).jobs == both[1]
    assert "array cpu has bundles 0 to 1, found 2" in bundle("cpu", "2", there=True, code=1).output


def test_networks_are_not_trained_without_the_gpu_that_was_asked_for(arrays, bundle):
    arrays("--device", "h100")
    ran = bundle("gpu", "0", there=True, code=1)
    assert ran.jobs == []
    assert "no GPU is seen here" in ran.output
    assert bundle("gpu", "0", gpus=["GPU-1"], there=True).shares["openml_wdbc-pare-0"].gpus == "GPU-1"


def test_a_node_that_does_not_honour_locks_runs_no_bundle(arrays, bundle, monkeypatch):
    arrays()
    monkeypatch.setattr("pare.matrix.shared_folder.try_lock", lambda stream, *_: None)
    monkeypatch.setattr("pare.matrix.shared_folder.problem_of_runs", problem_here)  # in this process
    ran = bundle("cpu", "0", there=True, code=1)
    assert ran.jobs == [] and "is on a file system that does not keep a locked file from other processes" in ran.output


def test_two_networks_of_a_bundle_share_its_gpu_and_its_cores(arrays, bundle, monkeypatch):
    arrays("--device", "h100", "--gpus-per-run", "0.5", "--seeds", "0-1")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    shares = bundle("gpu", "0", gpus=["3"], there=True).shares
    assert {share.gpus for share in shares.values()} == {"3"}
    assert {share.threads for share in shares.values()} == {1}


def test_a_plan_that_is_older_than_the_configuration_stops_with_the_jobs_name(arrays, bundle, project):
    arrays()
    path = project.project_path / "data/matrix/own/plan.json"
    path.write_text(path.read_text().replace("method=xgboost,seed=0", "method=xgboost,seed=0,options.bags=9"))
    output = bundle("cpu", "0", there=True, code=1).output
    assert "the plan is older than the configuration: openml_wdbc-xgboost-0 is not in the matrix as" in output


def test_another_file_in_place_of_the_plan_is_told(matrix, tmp_path):
    assert "is no plan of a matrix" in matrix("bundle", str(tmp_path / "plan.json"), "cpu", "0", code=1)
