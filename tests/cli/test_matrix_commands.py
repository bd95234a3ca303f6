import json
import shutil

import pytest
import yaml
from click.testing import CliRunner

from pare.cli import cli
from pare.matrix import STAGES
from pare.matrix.blocks import expand

BLOCKS = {
    "Fields": {"tasks": ["darcy_flow"], "methods": ["pare", "finetune"], "seeds": [0, 1]},
    "Tables": {"tasks": ["openml_wdbc"], "methods": ["xgboost"], "seeds": [0]},
}


@pytest.fixture
def matrix(project, tmp_path):
    """Run `kedro matrix` with some arguments in a project with a small matrix of its own; its output."""
    local = project.project_path / "conf" / "local" / "matrix.yml"
    local.write_text(yaml.safe_dump({"blocks": BLOCKS}))

    def matrix(*args, code=0):
        result = CliRunner().invoke(cli, ["matrix", *args], obj=project)
        assert result.exit_code == code, result.output
        return result.output

    yield matrix
    local.unlink()
    shutil.rmtree(project.project_path / STAGES, ignore_errors=True)


def test_the_cost_comes_first_then_the_command_then_the_table(matrix):
    lines = [line.strip() for line in matrix().splitlines()]
    assert lines[0].startswith("5 of 5 cells left, about ")
    assert lines[1] == "Run them: dvc repro --keep-going"
    assert lines.index("Fields") < lines.index("Tables")
    assert any(line.split() == ["darcy_flow", "relative_l2", "·", "·"] for line in lines)


@pytest.mark.slow
def test_dvc_takes_what_is_written_and_a_stale_file_is_told(matrix, project):
    assert "kedro matrix write" in matrix()
    assert "5 cells" in matrix("write")
    assert "kedro matrix write" not in matrix()
    folder = project.project_path / STAGES
    fields, tables = (
        yaml.safe_load((folder / task / "dvc.yaml").read_text()) for task in ("darcy_flow", "openml_wdbc")
    )
    assert list(fields["vars"][0]["runs"]) == [
        f"darcy_flow-{method}-{seed}" for method in ("pare", "finetune") for seed in (0, 1)
    ]
    assert list(tables["vars"][0]["baselines"]) == ["openml_wdbc-xgboost-0"]


def test_a_command_is_printed_for_each_run_that_is_left(matrix, project):
    commands = matrix("commands").splitlines()
    assert len(commands) == 5
    assert commands[0] == "kedro run --pipelines=pare_train --params task=darcy_flow,method=pare,seed=0"
    assert commands[-1] == "kedro run --pipelines=baseline --params task=openml_wdbc,method=xgboost,seed=0"


def test_the_check_names_what_is_left_and_fails(matrix):
    output = matrix("check", code=1)
    assert output.startswith("Error: 5 of 5 cells are not done: darcy_flow-pare-0, darcy_flow-pare-1, ")


@pytest.mark.slow
def test_a_finished_run_is_left_out(matrix, project, library, parameters):
    data = project.project_path / "data"
    metrics = data / "08_reporting" / "openml_wdbc" / "xgboost" / "seed_0" / "metrics.json"
    record = data / "06_models" / "openml_wdbc" / "xgboost" / "seed_0" / "model" / "record.json"
    for path in (metrics, record):
        path.parent.mkdir(parents=True)
    content = {"protocol": "validated", "metric": {"name": "auroc_ovo"}, "test": 0.987, "train_seconds": 1.0}
    metrics.write_text(json.dumps(content))
    (cell,) = expand({"blocks": {"Tables": BLOCKS["Tables"]}}, library, parameters)["Tables"]
    record.write_text(json.dumps({"decisive": cell.run.decisive()}))
    assert "1 of 5 runs are in data/08_reporting/results.csv" in matrix("results")
    shutil.rmtree(metrics.parent)
    assert "0.987" in matrix()  # from results.csv
    assert matrix().startswith("4 of 5 cells left")
    assert "xgboost" not in matrix("commands") + matrix("check", code=1)


@pytest.mark.slow
def test_the_papers_matrix_is_run_command_by_command_and_not_by_dvc(matrix):
    output = matrix("--env", "paper", "commands")
    assert "kedro run --pipelines=pare_train --env paper --params task=cifar100,method=pare,seed=0\n" in output
    assert "source.proxy=cifar10,source.samples=5000\n" in output
    assert "kedro matrix --env paper commands" in matrix("--env", "paper", "write", code=1)


def test_a_mistake_in_matrix_yml_is_answered_with_one_message(matrix, project):
    local = project.project_path / "conf" / "local" / "matrix.yml"
    local.write_text(yaml.safe_dump({"blocks": {"Fields": {**BLOCKS["Fields"], "methods": ["prae"]}}}))
    output = matrix(code=1)
    assert output.startswith("Error: block 'Fields' of matrix.yml: ")
    assert "Did you mean" in output and "'pare'" in output
