import re
import subprocess
import sys

import pytest
from kedro.io import DataCatalog

from pare.config_loader import RunConfigLoader
from pare.pipeline_registry import register_pipelines
from pare.settings import CONFIG_LOADER_ARGS

STAGES = ("ingest", "preprocess", "train", "evaluate")


@pytest.fixture(scope="module")
def pipelines():
    return register_pipelines()


def test_the_whole_way_is_the_four_stages_and_the_default(pipelines):
    nodes = {name: {node.name for node in pipeline.nodes} for name, pipeline in pipelines.items()}
    whole = {"pare_train", "choose", "baseline", "__default__"}
    assert {name for name in nodes if nodes[name] == nodes["pare_train"]} == whole
    assert nodes["pare_train"] == set().union(*(nodes[stage] for stage in STAGES))


def test_each_stage_needs_only_what_an_earlier_one_saves(pipelines):
    available = {"params:run", "params:library", "params:tracker"}
    for stage in STAGES:
        assert pipelines[stage].inputs() <= available
        available |= pipelines[stage].outputs()


def test_every_dataset_between_stages_is_in_the_catalog(pipelines, conf):
    catalog = DataCatalog.from_config(RunConfigLoader(str(conf), env="base", **CONFIG_LOADER_ARGS)["catalog"])
    names = pipelines["pare_train"].datasets() - {"params:run", "params:library", "params:tracker"}
    assert len(names) > 8
    assert not [name for name in names if name not in catalog]
    assert "no_such_dataset" not in catalog


@pytest.mark.parametrize(("tag", "outputs"), [("task", {"raw"}), ("source", {"encoder", "proxy"})])
def test_ingest_can_be_done_by_halves(pipelines, tag, outputs):
    assert pipelines["ingest"].only_nodes_with_tags(tag).outputs() == outputs


def test_every_node_says_in_its_name_what_happens(pipelines):
    names = {node.name for pipeline in pipelines.values() for node in pipeline.nodes}
    assert not [name for name in names if re.search(r"__[0-9a-f]{8}$", name)]  # Kedro's, of a node without a name


def test_the_run_is_a_parameter_that_kedro_viz_hides(pipelines):
    free = set().union(*(pipeline.inputs() for pipeline in pipelines.values()))
    assert {name for name in free if "run" in name or "library" in name} == {"params:run", "params:library"}


LIGHT = """
import sys
from pare.datasets import ArrayStoreDataset, RawFolderDataset
from pare.pipeline_registry import register_pipelines

[register_pipelines()[name] for name in ("ingest", "preprocess")]
assert "torch" not in sys.modules
assert register_pipelines()["train"] and "torch" in sys.modules
assert "pare.learners.libraries" not in sys.modules
"""


@pytest.mark.slow
def test_a_pipeline_imports_no_other_and_bringing_files_needs_no_torch():
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


def test_an_unknown_pipeline_is_none(pipelines):
    assert "prepare" not in pipelines
    with pytest.raises(KeyError):
        pipelines["prepare"]
