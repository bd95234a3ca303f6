"""The code of a stage is what Python really imports."""

import json
import subprocess
import sys

import pytest

from pare.matrix.code import code_digest, imported_modules

IMPORT = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.modules if name.startswith("pare.")]))
"""


@pytest.mark.parametrize("pipeline", ["pipelines.preprocess", "pipelines.train", "paper.pipelines.analyse"])
def test_the_modules_found_in_the_sources_are_those_that_python_imports(pipeline):
    name = f"pare.{pipeline}.pipeline"
    done = subprocess.run([sys.executable, "-c", IMPORT, name], capture_output=True, text=True, check=True)
    imported = {module for module in json.loads(done.stdout) if not module.startswith("pare.config")}
    found = imported_modules(name)
    assert found >= imported
    # What is found beyond is imported by a function, when it is called.
    assert len(found - imported) <= 5, found - imported


def test_modules_share_a_digest_with_no_others():
    names = ["pare.storage.access", "pare.storage.fingerprint", "pare.storage.atomic"]
    digests = [code_digest(*some) for some in ([], names[:1], names[1:], names)]
    assert len(set(digests)) == 4
    assert code_digest(*reversed(names)) == digests[-1]
    assert code_digest("pare.config.schema") == digests[0]  # its values are digested, not its code


def test_a_package_that_is_left_out_has_no_say():
    name = "pare.pipelines.evaluate.pipeline"
    everything, without = imported_modules(name), imported_modules(name, left_out=["pare.config", "pare.report"])
    assert {module for module in everything if module.startswith("pare.report")}
    assert not {module for module in without if module.startswith("pare.report")}
    assert {"pare.evaluation.figures.epochs", "pare.saved.trained_model"} <= without
    assert code_digest(name) != code_digest(name, left_out=["pare.config", "pare.report"])
