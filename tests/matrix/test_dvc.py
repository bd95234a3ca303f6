"""The stages of dvc.yaml: complete, up to date, and run again only where something of theirs changed."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml
from dvc.cli import main
from dvc.exceptions import ReproductionError
from dvc.repo import Repo
from moto.server import ThreadedMotoServer

from pare.data.registries import FORMATS
from pare.matrix.blocks import expand, unique
from pare.matrix.dvc import STAGES, read_stage_files, stage_files, users_own, write_stage_files

ROOT = Path(__file__).parents[2]

# Instead of Kedro: writes the outputs of a stage, new ones each time, and a line about it.
FAKE_KEDRO = r"""#!/bin/sh
[ "$*" = "matrix results" ] && echo folder > data/08_reporting/results.csv && exit
[ "$1" = matrix ] && PYTHONPATH=src exec {kedro} "$@"
for params do case $params in --pipelines=* | --tags=*) stage=${{params#*=}};; esac; done
get() {{ echo ",$params" | sed -n "s/.*,$1=\([^,]*\).*/\1/p"; }}
task=$(get task); protocol=$(get protocol | sed 's/^/protocol_/')
run=$task/$(get method)$(get variant | sed s/^/-/)/${{protocol:+$protocol/}}seed_$(get seed)
echo "$stage $run" >> calls
[ "$stage $run" = "$(cat broken 2>&1)" ] && exit 1
write() {{ for path do mkdir -p "data/$(dirname "$path")"; date +%N > "data/$path"; done; }}
case $stage in
  task) write "01_raw/$task/manifest.json" ;;
  encoder) name=$(get source.name); write "01_raw/encoders/${{name:-none}}/README.md" ;;
  proxy) name=$(get source.proxy); write "01_raw/proxies/${{name:-none}}/README.md" ;;
  preprocess) write "05_model_input/$task${{protocol:+-$protocol}}.h5" ;;
  train) write "06_models/$run/model" ;;
  evaluate) write "07_model_output/$run/predictions.h5" \
    "08_reporting/$run/metrics.json" "08_reporting/$run/history.json" "08_reporting/$run/prediction.png" \
    "08_reporting/$run/training.png" "08_reporting/$run/replaced.png" \
    "08_reporting/$run/uncertainty.png" ;;
  report) write 08_reporting/report ;;
esac
"""
TASKS = ("darcy_flow", "openml_wdbc")


@pytest.fixture
def shipped(library, parameters, conf):
    """The runs of the matrix that ships."""
    return unique(expand(yaml.safe_load((conf / "base" / "matrix.yml").read_text()), library, parameters))


@pytest.fixture
def written(shipped, library):
    """The content of each file that is written for the matrix that ships, by its path in the folder of stages."""
    return {path: yaml.safe_load(text) for path, text in stage_files(shipped, library).items()}


def test_the_stages_are_those_of_the_matrix(shipped, library):
    assert read_stage_files(ROOT / STAGES) == stage_files(shipped, library), "kedro matrix write"


def test_values_reach_a_run_through_the_shell_as_they_are(library, parameters):
    values = {"options.checkpoint": "/a folder/$it [1]", "training.fraction": 0.5}
    block = {"tasks": ["openml_wdbc"], "methods": ["lightpfn"], "seeds": [0], "variants": {"": values}}
    runs = unique(expand({"blocks": {"one": block}}, library, parameters))
    content = yaml.safe_load(stage_files(runs, library)["openml_wdbc/dvc.yaml"])
    (entry,) = content["vars"][0]["runs"].values()
    words = shlex.split(content["stages"]["train"]["do"]["cmd"].replace("${item.params}", entry["params"]))
    (cell,) = runs.values()
    assert words[-2:] == ["--params", cell.run.params] and words[-1].endswith("=/a folder/$it [1]")


def test_what_is_written_is_read_again_and_a_task_of_the_matrix_no_more_leaves_its_record(shipped, library, tmp_path):
    texts = stage_files(shipped, library)
    write_stage_files(texts, tmp_path)
    assert read_stage_files(tmp_path) == texts
    (tmp_path / "openml_wdbc" / "dvc.lock").touch()
    fewer = {path: text for path, text in texts.items() if path != "openml_wdbc/dvc.yaml"}
    write_stage_files(fewer, tmp_path)
    assert read_stage_files(tmp_path) == fewer
    assert [path.name for path in (tmp_path / "openml_wdbc").iterdir()] == ["dvc.lock"]
    assert read_stage_files(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("tasks", "openml_wdbc"), ("learners", "xgboost"), ("sources", "minilm"), ("proxies", "mnist_digits")],
)
def test_what_only_the_user_defines_is_not_for_dvc(shipped, library, kind, name):
    assert users_own(shipped, library) == ""
    without = {key: value for key, value in getattr(library, kind).items() if key != name}
    word = {"learners": "method", "proxies": "proxy"}.get(kind, kind[:-1])
    assert users_own(shipped, library.model_copy(update={kind: without})) == f"{word} '{name}'"


def test_data_dvc_yaml_fetches_what_a_network_brings_and_no_other_stage_does(written, library):
    fetched = set(written["shared.yaml"]["fetched"])
    origins = {name: library.task(name).raw.origin for name in library.tasks}
    assert fetched == {name for name in origins if origins[name] in ("download", "openml_dataset")}
    ingested = {name for content in written.values() for vars in content.get("vars", ()) for name in vars["ingested"]}
    assert "darcy_flow" in ingested and not fetched & ingested


@pytest.fixture(scope="module")
def stages():
    """Every stage that DVC finds in the project, by its address."""
    with Repo(ROOT) as repo:
        return {stage.addressing: stage for stage in repo.index.stages}


def test_dvc_finds_the_stages_of_each_run(stages, shipped):
    found = {name.partition(":")[2] for name in stages}
    assert found >= {f"{stage}@{name}" for name in shipped for stage in ("train", "evaluate")}
    (out,) = stages["data/stages/openml_wdbc/dvc.yaml:train@openml_wdbc-pare-0"].outs
    assert out.fspath == str(ROOT / "data" / "06_models" / "openml_wdbc" / "pare" / "seed_0" / "model")


def test_dvc_finds_a_stage_for_each_task_that_it_fetches(stages, written):
    fetched = {f"data/dvc.yaml:fetch@{name}" for name in written["shared.yaml"]["fetched"]}
    assert {name for name in stages if "fetch@" in name} == fetched
    (out,) = stages["data/dvc.yaml:fetch@cosmic"].outs
    assert out.fspath == str(ROOT / "data" / "01_raw" / "cosmic")


def test_git_ignores_what_dvc_keeps_and_dvc_writes_no_gitignore_file(stages):
    outs = [out for stage in stages.values() for out in stage.outs]
    with Repo(ROOT) as repo:
        assert all(repo.scm.is_ignored(out.fspath) for out in outs if out.use_scm_ignore)
        known = {out.fspath for out in outs if not repo.scm.is_ignored(out.fspath)}
        assert known == {str(ROOT / "data" / "08_reporting" / "results.csv")}


@pytest.fixture
def repro(conf, tmp_path, monkeypatch):
    """`dvc repro --keep-going` in a project of two tasks, PaRe and a booster; stages only write their outputs.

    Tells which stages ran, and whether all that should have done so did. The digests are the real ones, of the
    project's own copy of the configuration and of the package.
    """
    (tmp_path / "data").mkdir()
    for name in ("dvc.yaml", "data/dvc.yaml", "pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "src" / "pare", tmp_path / "src" / "pare", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(conf, tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "conf" / "local").mkdir()
    methods = {"tasks": [*TASKS], "methods": ["pare"], "seeds": [0]}
    booster = {"tasks": ["openml_wdbc"], "methods": ["xgboost"], "seeds": [0]}
    blocks = {"blocks": {"methods": methods, "booster": booster}}
    (tmp_path / "conf" / "base" / "matrix.yml").write_text(yaml.safe_dump(blocks))
    kedro = tmp_path / "bin" / "kedro"
    kedro.parent.mkdir()
    kedro.write_text(FAKE_KEDRO.format(kedro=Path(sys.executable).with_name("kedro")))
    kedro.chmod(0o755)
    monkeypatch.setenv("PATH", str(kedro.parent), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    subprocess.run(["kedro", "matrix", "write"], check=True)
    Repo.init(no_scm=True)
    shutil.copy(ROOT / ".dvcignore", tmp_path)

    def repro(*targets):
        calls = tmp_path / "calls"
        calls.write_text("")
        with Repo() as repo:
            try:
                repo.reproduce(targets, on_error="keep-going")
                whole = True
            except ReproductionError:
                whole = False
        return sorted(calls.read_text().splitlines()), whole

    return repro


def edit(path, old, new):
    """Replace a text that a file holds."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def set_learning_rate(conf, value):
    """Change that of darcy_flow."""
    path = conf / "base" / "tasks" / "nas_bench_360.yml"
    content = yaml.safe_load(path.read_text())
    content["darcy_flow"]["training"]["learning_rate"] = value
    path.write_text(yaml.safe_dump(content))


@pytest.mark.filterwarnings("ignore:_NoneStep")  # a library's of DVC's
@pytest.mark.slow
def test_a_failed_run_stops_only_what_needs_it_and_a_change_repeats_only_what_it_changes(repro, tmp_path):
    (tmp_path / "broken").write_text("train openml_wdbc/pare/seed_0")
    by_hand = tmp_path / "data" / "01_raw" / "darcy_flow" / "the only copy"
    by_hand.parent.mkdir(parents=True)
    by_hand.touch()
    calls, whole = repro()
    assert not whole
    assert [call for call in calls if call.endswith("seed_0") or call.startswith("report")] == [
        "evaluate darcy_flow/pare/seed_0",
        "evaluate openml_wdbc/xgboost/seed_0",
        "train darcy_flow/pare/seed_0",
        "train openml_wdbc/pare/seed_0",
        "train openml_wdbc/xgboost/seed_0",
    ]

    (tmp_path / "broken").write_text("")
    assert repro() == (["evaluate openml_wdbc/pare/seed_0", "report //seed_", "train openml_wdbc/pare/seed_0"], True)
    assert repro() == ([], True)

    set_learning_rate(tmp_path / "conf", 0.0123)
    assert repro() == (["evaluate darcy_flow/pare/seed_0", "report //seed_", "train darcy_flow/pare/seed_0"], True)

    tasks, package = tmp_path / "conf" / "base" / "tasks", tmp_path / "src" / "pare"
    edit(tasks / "openml_cc18.yml", "title: Wisconsin", "title: The Wisconsin")
    edit(tmp_path / "conf" / "base" / "learners.yml", "description: Target", "description: All target")
    reader = package.joinpath(*FORMATS["table"].partition(":")[0].split(".")).with_suffix(".py")
    edit(reader, '"""', '"""In other words: ')
    edit(package / "learners" / "networks" / "training" / "trainer.py", "\n\n\n", "\n\n\n# A remark.\n")
    assert repro() == ([], True)

    edit(package / "evaluation" / "figures" / "epochs.py", "\n\n\n", "\n\n\nNEW = 1\n")
    scored = [f"evaluate {task}/pare/seed_0" for task in TASKS]
    assert repro() == ([*scored, "evaluate openml_wdbc/xgboost/seed_0", "report //seed_"], True)  # nothing is trained

    edit(package / "learners" / "libraries" / "boosting.py", "\n\n\n", "\n\n\nNEW = 1\n")
    booster = [f"{stage} openml_wdbc/xgboost/seed_0" for stage in ("evaluate", "train")]
    assert repro() == ([booster[0], "report //seed_", booster[1]], True)  # no other learner names that code

    edit(package / "report" / "run_page.py", "\n\n\n", "\n\n\nNEW = 1\n")
    assert repro() == (["report //seed_"], True)  # the page of a run is no output of a stage

    edit(package / "paper" / "simulators" / "darcy_flow.py", "\n\n\n", "\n\n\nNEW = 1\n")
    calls, whole = repro()
    assert whole and calls[-1] == "train darcy_flow/pare/seed_0"
    assert not [call for call in calls if "openml" in call]  # another task's files come from elsewhere

    edit(reader, "\n\n\n", "\n\n\nNEW = 1\n")
    calls, whole = repro()
    assert whole and "preprocess openml_wdbc//seed_" in calls
    assert not [call for call in calls if "darcy_flow" in call]  # another reader opens its files
    assert not [call for call in calls if call.startswith(("task", "encoder"))]  # no raw files are made with it
    assert by_hand.exists()


@pytest.mark.filterwarnings("ignore:_NoneStep")  # a library's of DVC's
@pytest.mark.slow
def test_a_variant_of_another_protocol_has_a_model_input_of_its_own(repro, tmp_path):
    both = {"plain": {"mixing.start": 0.5}, "published": {"protocol": "paper"}}
    block = {"tasks": ["darcy_flow"], "methods": ["pare"], "seeds": [0], "variants": both}
    (tmp_path / "conf" / "base" / "matrix.yml").write_text(yaml.safe_dump({"blocks": {"variants": block}}))
    subprocess.run(["kedro", "matrix", "write"], check=True)
    calls, whole = repro()
    assert whole
    assert len([call for call in calls if call.startswith("preprocess")]) == 2
    assert "train darcy_flow/pare-published/protocol_paper/seed_0" in calls
    files = {path.name for path in (tmp_path / "data" / "05_model_input").iterdir()}
    assert files == {"darcy_flow.h5", "darcy_flow-protocol_paper.h5"}


@pytest.mark.filterwarnings("ignore:_NoneStep")  # a library's of DVC's
@pytest.mark.slow
def test_one_task_is_made_alone_and_not_again_when_it_was_out_of_the_matrix(repro, tmp_path):
    calls, whole = repro(f"{STAGES}/openml_wdbc/dvc.yaml")
    assert whole
    shared = ("encoder", "proxy")
    assert not [call for call in calls if "openml_wdbc" not in call and not call.startswith(shared)]
    assert {"train openml_wdbc/pare/seed_0", "train openml_wdbc/xgboost/seed_0"} <= set(calls)

    matrix = tmp_path / "conf" / "base" / "matrix.yml"
    both = matrix.read_text()
    one = {"tasks": ["darcy_flow"], "methods": ["pare"], "seeds": [0]}
    for text in (yaml.safe_dump({"blocks": {"one": one}}), both):
        matrix.write_text(text)
        subprocess.run(["kedro", "matrix", "write"], check=True)
    calls, whole = repro()
    assert whole and "train darcy_flow/pare/seed_0" in calls
    assert not [call for call in calls if "openml_wdbc" in call]


@pytest.mark.filterwarnings("ignore:_NoneStep")  # a library's of DVC's
@pytest.mark.slow
def test_what_was_made_without_dvc_is_recorded_by_one_command_and_not_made_again(repro, tmp_path):
    with Repo() as repo:
        stages = [stage for stage in repo.index.stages if not stage.name.startswith("fetch@")]
    for stage in stages:
        for command in [stage.cmd] if isinstance(stage.cmd, str) else stage.cmd:
            subprocess.run(command, shell=True, check=True)
    assert "train darcy_flow/pare/seed_0" in (tmp_path / "calls").read_text()
    recorded = ["dvc.yaml", *(str(path.relative_to(tmp_path)) for path in tmp_path.glob(f"{STAGES}/*/dvc.yaml"))]
    assert main(["commit", "--force", "--quiet", *recorded]) == 0
    assert repro() == ([], True)
    set_learning_rate(tmp_path / "conf", 0.0123)
    assert repro() == (["evaluate darcy_flow/pare/seed_0", "report //seed_", "train darcy_flow/pare/seed_0"], True)


@pytest.fixture
def bucket(monkeypatch):
    """The address of a bucket on a server of this machine, and of that server."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="results")
    yield "s3://results/pare", address
    server.stop()


@pytest.mark.filterwarnings("ignore:_NoneStep")  # a library's of DVC's
@pytest.mark.slow
def test_a_second_machine_gets_all_from_a_store_that_speaks_s3(repro, bucket, tmp_path, monkeypatch):
    place, address = bucket
    assert repro()[1]
    for command in (
        ["remote", "add", "--default", "store", place],
        ["remote", "modify", "store", "endpointurl", address],
        ["push", "--quiet"],
    ):
        assert main(command) == 0
    second = tmp_path / "second"
    made = shutil.ignore_patterns("cache", "tmp", "second", "0?_*")
    shutil.copytree(tmp_path, second, ignore=made)
    monkeypatch.chdir(second)
    assert not (second / "data" / "06_models").exists()
    assert main(["pull", "--quiet", "--allow-missing"]) == 0
    files = [path for path in (tmp_path / "data").glob("0?_*/**/*") if path.is_file()]
    kept = {path.relative_to(tmp_path): path.read_bytes() for path in files if "report" not in path.parts}
    assert len(kept) > 20
    kept.pop(Path("data/08_reporting/results.csv"))  # git's
    assert {path: (second / path).read_bytes() for path in kept} == kept
