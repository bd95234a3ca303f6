"""The code that DVC watches for a stage holds every module that the stage imports while it runs."""

import json
import sys

from pare.matrix.code import imported_modules
from pare.raw.origins.registry import find_origin

TRACED = """
import json, sys
from kedro.framework.cli.cli import main

place, *arguments = sys.argv[1:]
sys.argv = ["kedro", "run", *arguments]
try:
    main()
except SystemExit as end:
    assert not end.code
json.dump([name for name in sys.modules if name.split(".")[0] == "pare"], open(place, "w"))
"""
# What a stage imports and DVC does not watch.
NOT_WATCHED = {
    "pare.config": "its values are digested",
    "pare.config_loader": "the same",
    "pare.settings": "the same",
    "pare.hooks": "refuse a run, or let it be as it is",
    "pare.cli": "the commands: they choose a run, which is part of the stage's own command",
    "pare.matrix": "imported by the commands",
    "pare.raw.origins.registry": "imported by the commands; ingest, which uses it, watches it",
    "pare.pipeline_registry": "names pipelines",
    "pare.datasets": "where files go and when, not what is in them",
    "pare.storage.lazy": "the protocol of the datasets, without code",
}
RUN = "task=openml_wdbc,source=tiny,training.epochs=1"
BASELINE = "task=openml_wdbc,method=logistic_regression"


def unwatched(modules, watched):
    """Modules that a change of would not be noticed."""
    left = {name for name in modules if name != "pare" and name not in watched}
    return {name for name in left if not any(f"{name}.".startswith(f"{known}.") for known in NOT_WATCHED)}


def test_dvc_watches_every_module_that_a_stage_imports(project, kedro_command, tmp_path):
    def imported(*arguments):
        """Names of modules after a real run."""
        place = tmp_path / "modules.json"
        outcome = kedro_command(project, "-c", TRACED, str(place), *arguments, program=(sys.executable,))
        assert outcome.code == 0, outcome.err
        return set(json.loads(place.read_text()))

    assert "pare.raw.origins.registry" in imported_modules("pare.pipelines.ingest.pipeline")
    origins = {"task": "scikit_learn_wdbc", "encoder": "hub_encoder", "proxy": "english_topics"}
    for tag, origin in origins.items():
        module = f"pare.raw.{find_origin(origin).path.partition(':')[0]}"
        modules = imported("--pipelines=ingest", f"--tags={tag}", "--params", RUN)
        assert module in modules
        assert not unwatched(modules, imported_modules("pare.pipelines.ingest.pipeline", module))

    stages = {"preprocess": RUN, "train": RUN, "evaluate": RUN, "baseline": BASELINE, "report": RUN}
    for stage, params in stages.items():
        modules = imported(f"--pipelines={stage}", f"--tags={stage}", "--params", params)
        assert f"pare.pipelines.{stage}.pipeline" in modules
        watched = imported_modules(f"pare.pipelines.{stage}.pipeline")
        if stage == "baseline":  # the pipeline brings the task's files too; the tag leaves that out
            watched |= imported_modules("pare.pipelines.ingest.pipeline", "pare.pipelines.preprocess.pipeline")
        assert not unwatched(modules, watched), stage
