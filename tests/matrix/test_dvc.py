"""The stages of dvc.yaml: complete, up to date, and run again only where something of theirs changed."""

import os
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.exceptions import ReproductionError
from dvc.repo import Repo

from pare.config import PareError
from pare.matrix import CELLS_FILE, dvc_cells, read_dvc_cells, write_dvc_cells
from pare.matrix.blocks import expand, unique

ROOT = Path(__file__).parents[2]

# Instead of Kedro: writes the outputs of a stage, new ones each time, and a line about it.
KEDRO = r"""#!/bin/sh
stage=${3#--tags=}; case $stage in --params) stage=${2#--pipelines=};; "") stage=report;; esac
for params do :; done
get() { echo ",$params" | sed -n "s/.*,$1=\([^,]*\).*/\1/p"; }
task=$(get task); run=$task/$(get method)/seed_$(get seed)
echo "$stage $run" >> calls
[ "$stage $run" = "$(cat broken 2>&1)" ] && exit 1
write() { for path do mkdir -p "data/$(dirname "$path")"; date +%N > "data/$path"; done; }
case $stage in
  task) write "01_raw/$task/manifest.json" ;;
  encoder) write "01_raw/encoders/$(get source)" ;;
  proxy) write "01_raw/proxies/$(get source.proxy)" ;;
  preprocess) write "05_model_input/$task.h5" ;;
  train) write "06_models/$run/model" ;;
  evaluate) write "07_model_output/$run/predictions.h5" \
    "08_reporting/$run/metrics.json" "08_reporting/$run/history.json" "08_reporting/$run/prediction.png" \
    "08_reporting/$run/training.png" "08_reporting/$run/replaced.png" ;;
  baseline) write "07_model_output/$run/predictions.h5" \
    "08_reporting/$run/metrics.json" "08_reporting/$run/prediction.png" ;;
  report) write 08_reporting/report ;;
esac
"""


@pytest.fixture
def shipped(library, parameters, conf):
    """The runs of the matrix that ships."""
    return unique(expand(yaml.safe_load((conf / "base" / "matrix.yml").read_text()), library, parameters))


def test_the_cells_of_dvc_are_those_of_the_matrix(shipped, conf):
    assert read_dvc_cells(ROOT / CELLS_FILE) == dvc_cells(shipped, conf / "base"), "kedro matrix write"


def test_what_is_written_is_read_again(shipped, conf, tmp_path):
    entries = dvc_cells(shipped, conf / "base")
    write_dvc_cells(entries, tmp_path / CELLS_FILE)
    assert read_dvc_cells(tmp_path / CELLS_FILE) == entries
    assert read_dvc_cells(tmp_path / "none") is None


def test_a_task_that_only_the_user_has_is_not_for_dvc(shipped, conf, tmp_path):
    shutil.copytree(conf / "base", tmp_path / "base")
    file = tmp_path / "base" / "tasks" / "openml_cc18.yml"
    file.write_text(file.read_text().replace("openml_wdbc:", "another:"))
    with pytest.raises(PareError, match=r"openml_wdbc.*kedro matrix commands"):
        dvc_cells(shipped, tmp_path / "base")


def test_data_dvc_yaml_fetches_what_a_network_brings_and_dvc_yaml_does_not(shipped, conf, library):
    entries = dvc_cells(shipped, conf / "base")
    origins = {name: library.task(name).raw.origin for name in library.tasks}
    assert set(entries["fetched"]) == {name for name in origins if origins[name] in ("download", "openml_dataset")}
    assert not set(entries["fetched"]) & set(entries["ingested"])


def test_dvc_finds_a_stage_for_each_task_that_it_fetches():
    with Repo(ROOT) as repo:
        stages = {stage.name: stage for stage in repo.stage.load_all("data/dvc.yaml")}
    assert set(stages) == {f"fetch@{name}" for name in read_dvc_cells(ROOT / CELLS_FILE)["fetched"]}
    (out,) = stages["fetch@cosmic"].outs
    assert out.fspath == str(ROOT / "data" / "01_raw" / "cosmic")


def test_every_task_that_ships_has_the_keys_that_its_stages_depend_on(library):
    """DVC fails where a key is missing, so that any task can be added to the matrix."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    keys = [key.partition(".")[2] for key in next(iter(stages["preprocess"]["do"]["params"][0].values()))]
    assert {"reader", "split", "normalisation"} <= set(keys)
    for name, task in library.tasks.items():
        assert set(keys) <= set(task), name


@pytest.fixture
def repro(conf, library, parameters, tmp_path, monkeypatch):
    """`dvc repro --keep-going` in a project of two tasks, a method and a baseline; stages only write their outputs.

    Tells which stages ran, and whether all that should have done so did.
    """
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values():
        for dependency in stage.get("do", stage)["deps"]:
            if dependency.startswith("src/"):
                (tmp_path / dependency).mkdir(parents=True, exist_ok=True)
    methods = {"tasks": ["darcy_flow", "openml_wdbc"], "methods": ["pare"], "seeds": [0]}
    baseline = {"tasks": ["openml_wdbc"], "methods": ["xgboost"], "seeds": [0]}
    cells = unique(expand({"blocks": {"methods": methods, "baselines": baseline}}, library, parameters))
    write_dvc_cells(dvc_cells(cells, conf / "base"), tmp_path / CELLS_FILE)
    used = {
        "darcy_flow",
        "openml_wdbc",
        "pare",
        "xgboost",
        "minilm",
        "english_topics",
        "training",
        "protocol",
        "tables",
    }
    for file in (conf / "base").glob("**/*.yml"):  # nothing else is kept, because DVC reads slowly
        content = yaml.safe_load(file.read_text())
        copy = tmp_path / "conf" / file.relative_to(conf)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(yaml.safe_dump({key: value for key, value in content.items() if key in used}))
    kedro = tmp_path / "bin" / "kedro"
    kedro.parent.mkdir()
    kedro.write_text(KEDRO)
    kedro.chmod(0o755)
    monkeypatch.setenv("PATH", str(kedro.parent), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True)

    def repro():
        calls = tmp_path / "calls"
        calls.write_text("")
        with Repo() as repo:
            try:
                repo.reproduce(on_error="keep-going")
                whole = True
            except ReproductionError:
                whole = False
        return sorted(calls.read_text().splitlines()), whole

    return repro


@pytest.mark.filterwarnings("ignore:_NoneStep")  # a library's of DVC's
def test_a_failed_run_stops_only_what_needs_it_and_a_change_repeats_only_what_it_changes(repro, tmp_path):
    (tmp_path / "broken").write_text("train openml_wdbc/pare/seed_0")
    by_hand = tmp_path / "data" / "01_raw" / "darcy_flow" / "the only copy"
    by_hand.parent.mkdir(parents=True)
    by_hand.touch()
    calls, whole = repro()
    assert not whole
    assert [call for call in calls if "/pare/" in call or "/xgboost/" in call or call.startswith("report")] == [
        "baseline openml_wdbc/xgboost/seed_0",
        "evaluate darcy_flow/pare/seed_0",
        "train darcy_flow/pare/seed_0",
        "train openml_wdbc/pare/seed_0",
    ]

    (tmp_path / "broken").write_text("")
    assert repro() == (["evaluate openml_wdbc/pare/seed_0", "report //seed_", "train openml_wdbc/pare/seed_0"], True)

    file = tmp_path / "conf" / "base" / "tasks" / "nas_bench_360.yml"
    content = yaml.safe_load(file.read_text())
    content["darcy_flow"]["training"]["learning_rate"] = 0.0123
    file.write_text(yaml.safe_dump(content))
    assert repro() == (["evaluate darcy_flow/pare/seed_0", "report //seed_", "train darcy_flow/pare/seed_0"], True)
    assert repro() == ([], True)
    assert by_hand.exists()
