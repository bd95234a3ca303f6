"""The code that DVC watches for a stage holds every module that the stage imports while it runs."""

import json
import sys

import pytest

from pare.config.schema import LEARNERS
from pare.data.proxies import PROXY_READERS
from pare.data.registries import FORMATS, find_origin
from pare.matrix.stages import PAGES, PIPELINES, imported_modules, left_out

pytestmark = pytest.mark.slow

# Each stage in a process that has imported no module of the project; what all of them need of others is imported once.
TRACED = """
import json, multiprocessing, sys
from pathlib import Path
import sklearn.linear_model, torch, transformers.modeling_utils
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

def run(place, pipeline, tag, params):
    bootstrap_project(Path.cwd())
    with KedroSession.create(runtime_params=params) as session:
        session.run(pipeline_names=[pipeline], tags=[tag])
    modules = [name for name, module in sys.modules.items() if module.__name__ == name]  # without names of before
    json.dump([name for name in modules if name.split(".")[0] == "pare"], open(place, "w"))

assert "pare" not in sys.modules
for stage in json.loads(sys.argv[1]):
    process = multiprocessing.get_context("fork").Process(target=run, args=stage)
    process.start()
    process.join()
    assert process.exitcode == 0
"""
# What a stage imports and DVC does not watch.
NOT_WATCHED = {
    "pare.config": "its values are digested",
    "pare.config_loader": "the same",
    "pare.settings": "the same",
    "pare.hooks": "refuse a run, or let it be as it is",
    "pare.matrix": "by the hooks, tells of files that changed since they were ingested",
    "pare.learners.check": "the same",
    "pare.prediction.asked": "the same",
    "pare.tracking": "tells a tracker what happens, which is no output",
    "pare.pipeline_registry": "names pipelines",
    "pare.datasets": "where files go and when, not what is in them",
    "pare.storage.atomic": "how the datasets write a file whole",
    "pare.storage.result_lines": "other results, for the page of a run",
}
RUN = {"task": "openml_wdbc", "source": "tiny", "training": {"epochs": 1}}
LIBRARY = {"task": "openml_wdbc", "method": "logistic_regression"}
ORIGINS = {"task": "scikit_learn_wdbc", "encoder": "hub_encoder", "proxy": "english_topics"}
# Named by the task, the proxy and the method, and digested with the model input or the model, which a stage reads.
NAMED = [FORMATS["table"], PROXY_READERS["sentences"], f"learners.{LEARNERS['transformer']}"]
OF_LIBRARY = [FORMATS["table"], f"learners.{LEARNERS['library']}", "learners.libraries.scikit_learn"]
CHECKED = "pare.learners.networks.training.losses"  # by the hooks, whatever learns
STAGES = [(stage, RUN, NAMED) for stage in ("preprocess", "train", "evaluate", "report")]
STAGES += [(stage, LIBRARY, OF_LIBRARY) for stage in ("train", "evaluate")]


def unwatched(modules, watched):
    """Modules that a change of would not be noticed."""
    left = {name for name in modules if name not in watched | {"pare", "pare.prediction", "pare.storage"}}  # no code
    return {name for name in left if not any(f"{name}.".startswith(f"{known}.") for known in NOT_WATCHED)}


def test_dvc_watches_every_module_that_a_stage_imports(project, kedro_command, tmp_path):
    runs = [("ingest", tag, RUN) for tag in ORIGINS] + [(stage, stage, params) for stage, params, _ in STAGES]
    traced = [(str(tmp_path / f"{number}.json"), *run) for number, run in enumerate(runs)]
    outcome = kedro_command(project, "-c", TRACED, json.dumps(traced), program=(sys.executable,))
    assert outcome.code == 0, outcome.err
    imported = [set(json.loads((tmp_path / f"{number}.json").read_text())) for number in range(len(runs))]

    for origin, modules in zip(ORIGINS.values(), imported, strict=False):
        module = f"pare.{find_origin(origin).path.partition(':')[0]}"
        assert module in modules
        assert not unwatched(modules, imported_modules("pare.pipelines.ingest.pipeline", module))

    for (stage, _, paths), modules in zip(STAGES, imported[len(ORIGINS) :], strict=True):
        assert PIPELINES[stage] in modules
        named = [f"pare.{path.partition(':')[0]}" for path in paths]
        watched = imported_modules(PIPELINES[stage], *named, CHECKED, left_out=left_out(stage))
        pages = {name for name in modules if f"{name}.".startswith(f"{PAGES}.")}  # no output of other stages
        assert not unwatched(modules, watched) - (pages if stage != "report" else set()), stage
