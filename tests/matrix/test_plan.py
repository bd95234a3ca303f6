"""The plan of a matrix: which inputs it prepares, in which order jobs come, and what their commands make."""

import json
import shlex
from dataclasses import replace
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from pare.cli import run as kedro_run
from pare.config import Library, PareError, resolve
from pare.data.origins.ingest import RawFiles
from pare.matrix.blocks import expand, unique
from pare.matrix.cost import Cost, Costs, costs
from pare.matrix.plan import make_plan, read_plan
from pare.matrix.states import State

TABLE = "mass,count,kind\n" + "".join(f"{i},{i * i % 7},{['red', 'white'][i % 2]}\n" for i in range(40))


def planned(cells, data, seconds=None):
    """The plan of all cells, whose times are those given, or all the same."""
    priced = {name: Cost((seconds or {}).get(name, 60.0), 900.0) for name in cells}
    return make_plan("base", cells, Costs(priced, "as was measured"), data)


def prepared(plan):
    return {name for name, job in plan.jobs.items() if job.prepares}


def in_order(plan):
    """Whether each job comes after those that it needs."""
    seen = set()
    for job in plan.jobs.values():
        if not seen.issuperset(job.needs):
            return False
        seen.add(job.name)
    return True


def test_each_input_is_prepared_once_before_the_runs_that_need_it(cells, tmp_path):
    plan = planned(cells, tmp_path)
    assert in_order(plan)
    of_tasks = {f"{kind}-{task}" for kind in ("raw", "input") for task in ("darcy_flow", "openml_wdbc", "openml_car")}
    assert prepared(plan) == of_tasks | {"encoder-minilm", "proxy-english_topics"}
    assert [job.name for job in plan.runs] == list(cells)
    assert plan.jobs["input-openml_car"].needs == ("raw-openml_car",)
    assert plan.jobs["openml_car-xgboost-0"].needs == ("raw-openml_car", "input-openml_car")  # no encoder, no proxy
    assert set(plan.jobs["openml_wdbc-pare-2"].needs) == {
        *("raw-openml_wdbc", "encoder-minilm", "proxy-english_topics", "input-openml_wdbc")
    }


def test_the_longest_run_comes_first_and_its_inputs_before_those_of_others(cells, tmp_path):
    seconds = {"openml_car-xgboost-0": 500.0, "darcy_flow-pare-1": 400.0, "openml_wdbc-finetune-2": 300.0}
    plan = planned(cells, tmp_path, seconds)
    assert in_order(plan)
    assert [job.name for job in plan.runs[:3]] == list(seconds)
    times = [job.seconds for job in plan.runs]
    assert times == sorted(times, reverse=True)
    tasks = ("openml_car", "darcy_flow", "openml_wdbc")
    inputs = [f"{kind}-{task}" for task in tasks for kind in ("raw", "input")]
    assert [name for name in plan.jobs if name in inputs] == inputs


def test_finished_runs_are_left_out_and_inputs_that_only_they_need(cells, metrics, tmp_path):
    states = {
        name: State("done", metrics(cell)) if cell.run.task_name == "darcy_flow" else State("nothing")
        for name, cell in cells.items()
    }
    plan = make_plan("base", cells, costs(cells, states, lambda: 1e11), tmp_path)
    assert {job.name for job in plan.runs} == {name for name in cells if not name.startswith("darcy_flow")}
    assert not [name for name in prepared(plan) if "darcy_flow" in name]
    assert str(plan).startswith(f"{len(cells) - 6} of {len(cells)} runs left, ")


def test_a_finished_matrix_has_no_job(cells, tmp_path):
    plan = make_plan("base", cells, Costs({}, "as was measured"), tmp_path)
    assert (plan.jobs, plan.seconds, plan.memory_mb) == ({}, 0, 0)
    assert str(plan) == f"All {len(cells)} runs are done."


def test_the_papers_runs_without_a_network_take_no_accelerator(paper, tmp_path):
    plan = planned(paper[2], tmp_path)
    without = {job.name.split("-")[1] for job in plan.jobs.values() if not job.on_accelerator and not job.prepares}
    assert without == {"xgboost", "lightgbm", "catboost", "logistic_regression"}
    assert len(plan.runs) == 1275
    assert sum(not job.on_accelerator for job in plan.runs) == 30 * 4 * 3  # tables, boosters and a line, seeds
    assert all(job.on_accelerator for name, job in plan.jobs.items() if "-fno-" in name or "-u_net-" in name)
    assert not any(plan.jobs[name].on_accelerator for name in prepared(plan))


def asked_by(command, library, parameters):
    """Pipelines, tags, environment and run that a command asks for, parsed and merged as `kedro run` does it."""
    kedro, run, *words = shlex.split(command)
    assert (kedro, run) == ("kedro", "run")
    asked = kedro_run.make_context("run", words).params
    given = asked["params"]
    sections = {key: parameters[key] | value for key, value in given.items() if key == "training"}
    run = resolve(library, parameters | given | sections, given)
    return SimpleNamespace(pipelines=asked["pipelines"], tags=asked["tags"], env=asked["env"], run=run)


OUTPUTS = {"raw": "raw", "encoder": "encoder", "proxy": "proxy", "input": "model_input"}  # datasets of the catalog


def test_each_command_makes_what_its_job_is_called_after(paper, tmp_path):
    """Of the paper's matrix, which has variants, sources, proxies and an environment: every tenth run."""
    library, parameters, cells = paper
    some = dict([*cells.items()][::10])
    for job in planned(some, tmp_path).jobs.values():
        asked = asked_by(job.command, library, parameters)
        assert asked.env == "paper"
        if not job.prepares:
            assert (asked.pipelines, asked.tags) == (["pare_train"], [])
            assert asked.run == some[job.name].run
            continue
        kind, _, place = job.name.partition("-")
        assert asked.run.places[OUTPUTS[kind]].rpartition("/")[2] == place
        (pipeline,) = asked.pipelines
        nodes = import_module(f"pare.pipelines.{pipeline}.pipeline").create_pipeline().nodes
        made = {output for node in nodes if not asked.tags or node.tags & set(asked.tags) for output in node.outputs}
        assert made == {OUTPUTS[kind]}


def test_protocols_and_folds_share_raw_files_and_have_a_model_input_each(own_library, parameters, tmp_path):
    variants = {"plain": {}, "published": {"protocol": "paper"}}
    block = {"tasks": ["mine"], "methods": ["finetune", "catboost"], "seeds": [0, 1], "variants": variants, "folds": 2}
    plan = planned(unique(expand({"blocks": {"all": block}}, own_library, parameters)), tmp_path)
    inputs = {f"input-mine-{protocol}fold_{fold}_of_2" for protocol in ("", "protocol_paper-") for fold in (1, 2)}
    assert {name for name in prepared(plan) if "mine" in name} == {"raw-mine"} | inputs
    assert all(plan.jobs[name].needs == ("raw-mine",) for name in inputs)
    needed = {tuple(need for need in job.needs if need in inputs) for job in plan.runs}
    assert needed == {(name,) for name in inputs}


@pytest.fixture
def mine(own_library, prepare_input, tmp_path, tiny_bert):
    """A project with a table of the user's own and a tiny encoder, in which inputs can be prepared as `kedro run` does.

    Its attributes: the library, the folder of data, ``cells`` of some methods, and ``prepare`` for a run.
    """
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "mine.csv").write_text(TABLE)
    encoder = {"origin": "hub_encoder", "options": {"id": str(tiny_bert)}, "licence": "none"}
    tiny = own_library.sources["minilm"] | {"encoder": encoder}
    library = own_library.model_copy(update={"sources": own_library.sources | {"tiny": tiny}})

    files = {"data": tmp_path / "data", "table": tmp_path / "mine.csv"}
    return SimpleNamespace(library=library, prepare=prepare_input, **files)


@pytest.fixture
def own_plan(mine, parameters):
    """The plan of runs of that table."""

    def own_plan(library: Library | None = None, **block):
        block = {"tasks": ["mine"], "methods": ["catboost"], "seeds": [0]} | block
        cells = unique(expand({"blocks": {"own": block}}, library or mine.library, parameters))
        return planned(cells, mine.data), next(iter(cells.values())).run

    return own_plan


def test_an_input_that_is_there_and_current_is_not_prepared(mine, own_plan):
    plan, run = own_plan()
    assert prepared(plan) == {"raw-mine", "input-mine"}
    mine.prepare(run)
    plan, _ = own_plan()
    assert (prepared(plan), plan.runs[0].needs) == (set(), ())


def test_an_input_is_prepared_again_where_the_users_file_changed(mine, own_plan):
    mine.prepare(own_plan()[1])
    mine.table.write_text(TABLE.replace("3,2,white", "3,3,white"))
    plan, run = own_plan()
    assert prepared(plan) == {"raw-mine", "input-mine"}
    RawFiles(run.task.raw.active).write(mine.data / "01_raw" / "mine")  # now only the model input is of the old file
    assert prepared(own_plan()[0]) == {"input-mine"}
    mine.prepare(run)
    assert prepared(own_plan()[0]) == set()


def test_an_input_is_prepared_again_where_the_task_changed(mine, own_plan):
    mine.prepare(own_plan()[1])
    changed = mine.library.tasks["mine"] | {"split": {"test": 0.5}}
    library = mine.library.model_copy(update={"tasks": mine.library.tasks | {"mine": changed}})
    assert prepared(own_plan(library)[0]) == {"input-mine"}


def test_another_protocol_or_fold_is_prepared_from_the_raw_files_that_are_there(mine, own_plan):
    mine.prepare(own_plan()[1])
    paper = {"variants": {"": {"protocol": "paper"}}}
    assert prepared(own_plan(**paper)[0]) == {"input-mine-protocol_paper"}
    mine.prepare(own_plan(**paper)[1])
    assert prepared(own_plan(**paper)[0]) == set()
    assert prepared(own_plan(folds=2)[0]) == {"input-mine-fold_1_of_2", "input-mine-fold_2_of_2"}


def test_a_file_that_is_no_model_input_is_prepared_again(mine, own_plan):
    mine.prepare(own_plan()[1])
    (mine.data / "05_model_input" / "mine.h5").write_text("half")
    assert prepared(own_plan()[0]) == {"input-mine"}


def test_an_encoder_that_is_there_is_not_brought_for_a_method_or_a_choice(mine, own_plan):
    tiny = {"variants": {"": {"source": "tiny"}}}
    plan, run = own_plan(methods=["finetune", "choose"], **tiny)
    assert prepared(plan) == {"raw-mine", "input-mine", "encoder-tiny", "proxy-english_topics"}
    RawFiles(run.source.encoder).write(mine.data / "01_raw" / run.places["encoder"])
    plan, run = own_plan(methods=["finetune", "choose"], **tiny)
    assert {job.needs for job in plan.runs} == {("raw-mine", "proxy-english_topics", "input-mine")}


def test_a_plan_is_read_back_as_it_was_written(cells, tmp_path):
    plan = planned(cells, tmp_path)
    path = plan.write(tmp_path / "matrix" / "base")
    assert read_plan(path) == plan
    assert json.loads(path.read_text())["jobs"][0]["name"] == next(iter(plan.jobs))
    assert path.read_text() == plan.as_json()


@pytest.mark.parametrize("text", [None, "", "[]", '{"jobs": [{}]}', '{"jobs": [], "title": "x"}'])
def test_what_is_no_plan_is_told_with_its_path(tmp_path, text):
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PareError, match=r"plan\.json is no plan of a matrix .*; write it: kedro matrix"):
        read_plan(tmp_path / "plan.json")


def test_the_table_has_a_line_for_each_task_with_its_sums(cells, tmp_path):
    plan = planned(cells, tmp_path, {"darcy_flow-pare-0": 3600.0})
    plan = replace(plan, jobs={name: job for name, job in plan.jobs.items() if "openml_car" not in name})
    console = Console(width=120, file=StringIO())
    console.print(plan.table())
    title, header, *lines = [line.split("  ") for line in console.file.getvalue().splitlines()]
    assert title[0].strip() == "Left of matrix base"
    cut = [[cell.strip() for cell in line if cell.strip()] for line in [header, *lines]]
    assert cut == [
        ["task", "runs left", "with a network", "inputs to prepare", "time", "longest", "memory"],
        ["darcy_flow", "6", "6", "4", "1 h 7 min", "1 h 0 min", "0.9 GiB"],
        ["openml_wdbc", "8", "6", "2", "9 min 0 s", "1 min 0 s", "0.9 GiB"],
    ]
