"""What git keeps of results."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def is_ignored(path):
    done = subprocess.run(["git", "check-ignore", "--no-index", "-q", path], cwd=ROOT, check=False)
    if done.returncode not in (0, 1):
        pytest.skip("the project is no git repository here")
    return done.returncode == 0


def test_one_file_has_the_results_and_the_folders_of_runs_are_ignored():
    assert not is_ignored("data/08_reporting/results.csv")
    for name in ("metrics.json", "history.json", "prediction.png"):
        assert is_ignored(f"data/08_reporting/darcy_flow/pare/seed_0/{name}")
    assert is_ignored("data/08_reporting/wine/results.csv")


def test_the_stages_of_each_task_and_what_dvc_made_of_them_are_kept():
    for path in ("shared.yaml", "a_new_task/dvc.yaml", "a_new_task/dvc.lock"):
        assert not is_ignored(f"data/stages/{path}")
    assert is_ignored("data/02_intermediate/stages/shared.json")
