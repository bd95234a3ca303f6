"""The run matrix: what matrix.yml may say, and the runs that it makes."""

import pytest
import yaml

from pare.config import PareError
from pare.data.registries import find_origin
from pare.matrix.blocks import expand, unique

BLOCK = {"tasks": ["darcy_flow"], "methods": ["pare"], "seeds": [0]}


@pytest.fixture
def cells(own_library, parameters):
    """Expand blocks; each is BLOCK with some of its keys changed."""
    return lambda **blocks: expand(
        {"blocks": {title: BLOCK | changes for title, changes in blocks.items()}}, own_library, parameters
    )


@pytest.fixture
def runs_of_the_paper(paper):
    return [cell.run for cell in paper[2].values()]


def test_a_block_is_every_task_with_every_method_and_seed(cells):
    tasks, methods = ["darcy_flow", "openml_wdbc"], ["pare", "finetune"]
    (block,) = cells(all={"tasks": tasks, "methods": methods, "seeds": [0, 2]}).values()
    wanted = [f"{task}-{method}-{seed}" for task in tasks for method in methods for seed in (0, 2)]
    assert [cell.name for cell in block] == wanted


def test_a_variant_is_run_with_its_values_and_only_it(cells):
    values = {"mixing.start": 0.1, "training.epochs": 2, "source.name": "dinov2_small", "source.samples": 50}
    (block,) = cells(figure={"variants": {"low": values}}).values()
    (cell,) = block
    assert (cell.name, cell.run.folder) == (
        "darcy_flow-pare-low-0",
        "darcy_flow/pare-low/source_dinov2_small-samples_50/seed_0",
    )
    assert (cell.run.mixing.start, cell.run.training.epochs) == (0.1, 2)
    assert (cell.run.source_name, cell.run.proxy_samples) == ("dinov2_small", 50)


def test_a_variant_without_a_name_is_the_plain_method_with_values(cells):
    (block,) = cells(figure={"variants": {"": {"training.epochs": 2}}}).values()
    (cell,) = block
    assert (cell.name, cell.run.folder) == ("darcy_flow-pare-0", "darcy_flow/pare/seed_0")
    assert cell.run.training.epochs == 2


@pytest.mark.parametrize(
    "block",
    [
        {"variants": {"low": {"mixing.start": 0.1, "training.learning_rate": 3e-5, "source.proxy": "mnist_ink"}}},
        {"variants": {"": {"minutes": None, "training.precision": False, "training.symmetries": []}}},
        {"variants": {"": {"training.symmetries": ["square"], "start": "random", "protocol": "paper"}}},
        {"methods": ["fno"], "variants": {"": {"options.width": 8, "training.epochs": 3}}},
        {"tasks": ["mine"], "methods": ["finetune", "catboost", "choose"], "folds": 3},
        {"methods": ["choose"], "variants": {"": {"minutes": 0.5, "training.fraction": 0.5}}},
    ],
)
def test_the_command_of_a_cell_resolves_to_its_run(cells, own_library, resolved, block):
    (block,) = cells(figure={"seeds": [3, 4]} | block).values()
    for cell in block:
        assert resolved(own_library, cell.run.params) == cell.run


def test_folds_are_runs_of_their_own(cells):
    (block,) = cells(figure={"tasks": ["mine"], "methods": ["pare", "choose"], "folds": 2, "seeds": [0, 1]}).values()
    assert [cell.name for cell in block] == [
        f"mine-{method}-{seed}-{fold}_of_2" for method in ("pare", "choose") for fold in (1, 2) for seed in (0, 1)
    ]
    assert len({cell.run.folder for cell in block}) == 8
    assert {(cell.run.task.split.fold.number, cell.run.task.split.fold.folds) for cell in block} == {(1, 2), (2, 2)}


def test_one_fold_is_the_tasks_own_test_rows(cells):
    (block,) = cells(figure={"tasks": ["mine"], "folds": 1}).values()
    assert [(cell.name, cell.run.task.split.fold) for cell in block] == [("mine-pare-0", None)]


def test_a_choice_is_a_run_with_a_seed_that_its_candidates_have_too(cells):
    (block,) = cells(figure={"tasks": ["mine"], "methods": ["choose"], "seeds": [0, 7]}).values()
    assert [cell.name for cell in block] == ["mine-choose-0", "mine-choose-7"]
    for cell, seed in zip(block, (0, 7), strict=True):
        assert cell.run.seed == seed
        assert {candidate.seed for candidate in cell.run.candidates} == {seed}
    assert block[0].run.decisive() != block[1].run.decisive()


def test_any_method_may_have_variants(cells):
    variants = {"deep": {"options.learning_rate": 0.1}}
    (block,) = cells(tables={"tasks": ["openml_wdbc"], "methods": ["xgboost"], "variants": variants}).values()
    (cell,) = block
    assert cell.run.options["learning_rate"] == 0.1
    assert cell.run.params == "task=openml_wdbc,method=xgboost,seed=0,variant=deep,options.learning_rate=0.1"


def test_a_run_of_two_blocks_is_one_run(cells):
    both = cells(first={}, second={"methods": ["pare", "finetune"]})
    assert list(unique(both)) == ["darcy_flow-pare-0", "darcy_flow-finetune-0"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tasks": ["darcy_flwo"]}, ["block 'mine'", "darcy_flwo", "darcy_flow"]),
        ({"methods": ["prae"]}, ["block 'mine'", "prae", "pare"]),
        ({"variants": {"x": {"mixing.strat": 0.1}}}, ["block 'mine'", "mixing.strat", "mixing.start"]),
        ({"variants": {"x": {"source.proxy": "mnist_ikn"}}}, ["block 'mine'", "mnist_ikn", "mnist_ink"]),
        ({"variants": {"Big-one": {}}}, ["Big-one"]),
        ({"variants": {"10": {}}}, ["10"]),
        ({"variants": {"x": {"seed": 1}}}, ["mine", "'x'", "seed"]),
        ({"variants": {"x": {"fold": "1/2"}}}, ["mine", "'x'", "fold"]),
        ({"variants": {"x": {"training.symmetries": ["square", "shift"]}}}, ["training.symmetries", "at most 1 item"]),
        ({"variants": {"x": {"source": "a,b"}}}, ["mine", "'x' sets source to 'a,b', whose comma would end it"]),
        ({"folds": 2}, ["block 'mine'", "published with its test rows"]),
        ({"folds": 0}, ["folds", "0"]),
        ({"folds": 1001}, ["folds", "1001"]),
        ({"seeds": []}, ["seeds"]),
        ({"seeds": [0, 1, 0]}, ["matrix.blocks.mine.seeds", "0 comes more than once"]),
        ({"tasks": ["darcy_flow", "darcy_flow"]}, ["matrix.blocks.mine.tasks", "darcy_flow comes more than once"]),
        ({"methods": ["pare", "pare"]}, ["matrix.blocks.mine.methods", "pare comes more than once"]),
        ({"seeds": [-1]}, ["seeds", "-1"]),
        ({"task": ["darcy_flow"]}, ["matrix.blocks.mine.task", "tasks"]),
    ],
)
def test_a_mistake_is_told_with_its_block_and_what_would_be_right(cells, changes, words):
    with pytest.raises(PareError) as caught:
        cells(mine=changes)
    for word in words:
        assert word in str(caught.value)


def test_a_block_with_pairs_that_cannot_be_is_told_with_all_of_them(cells):
    both = {"tasks": ["darcy_flow", "openml_wdbc"], "methods": ["xgboost", "pare", "u_net"]}
    with pytest.raises(PareError, match="block 'mine'") as caught:
        cells(mine=both)
    pairs = (
        "darcy_flow with xgboost (predicts classification, multilabel, regression from tables), openml_wdbc with u_net"
    )
    assert f"these cannot be: {pairs} (predicts fields); give" in str(caught.value)


def test_one_name_for_two_variants_is_refused(cells):
    with pytest.raises(PareError, match=r"'first'.*'second'.*another name"):
        cells(first={"variants": {"x": {"mixing.start": 0.1}}}, second={"variants": {"x": {"mixing.start": 0.2}}})


def test_the_matrix_that_ships_needs_no_network(conf, library, parameters):
    blocks = expand(yaml.safe_load((conf / "base" / "matrix.yml").read_text()), library, parameters)
    runs = [cell.run for cell in unique(blocks).values()]
    assert not any(find_origin(run.task.raw.origin).needs_network for run in runs)
    assert not any(find_origin(run.source.encoder.origin).needs_network for run in runs if run.source)
    main = {(run.task_name, run.method_name, run.seed) for run in runs}
    assert {("openml_wdbc", m, s) for m in ("pare", "finetune", "orca", "from_scratch") for s in range(3)} <= main
    assert {(task, "pare", 0) for task in library.tasks if task.startswith("pdebench")} <= main


def test_the_matrix_of_the_paper_has_a_run_for_each_of_our_figures_in_the_report(conf, runs_of_the_paper):
    """Each of our rows in report.yml, which was written from the paper without a look at the matrix."""
    runs = {(run.task_name, run.method_name, run.variant) for run in runs_of_the_paper}
    for table in yaml.safe_load((conf / "base" / "report.yml").read_text())["tables"].values():
        for row in table["rows"]:
            figures = row.get("figures") or [1] * len(table["columns"])
            for column, figure in zip(table["columns"], figures, strict=True):
                if "method" in row and figure is not None:
                    task, variant = (column, "") if isinstance(column, str) else (column["task"], column["variant"])
                    assert (task, row["method"], row.get("variant", variant)) in runs


def test_the_matrix_of_the_paper_covers_its_48_tasks(runs_of_the_paper):
    tasks = {run.task_name for run in runs_of_the_paper}
    assert len({task for task in tasks if not task.startswith("minidomainnet")}) == 48
