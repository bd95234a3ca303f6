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


def test_metrics_of_listed_tasks_are_kept_and_those_of_own_and_changed_ones_are_not(library):
    for name in library.tasks:
        folder = f"data/08_reporting/{name}/pare"
        assert not is_ignored(f"{folder}/seed_0/metrics.json")
        assert not is_ignored(f"{folder}/env_paper/seed_0/history.json")
        assert is_ignored(f"{folder}/task_changed-protocol_paper/seed_0/metrics.json")
        assert is_ignored(f"{folder}/seed_0/prediction.png")
    assert is_ignored("data/08_reporting/wine/pare/seed_0/metrics.json")
