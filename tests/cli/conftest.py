"""A project folder for the commands."""

import shutil
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def project(tmp_path_factory, conf):
    """A project folder with the shipped configuration, as Kedro hands it to commands."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(conf / "base", folder / "conf" / "base")
    shutil.copytree(conf / "paper", folder / "conf" / "paper")
    (folder / "conf" / "local").mkdir()
    return SimpleNamespace(project_path=folder)
