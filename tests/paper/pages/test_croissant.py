"""The Croissant description of each simulated task: what MLCommons' own reader finds in it."""

import hashlib
import json

import mlcroissant
import pytest
import yaml
from click.testing import CliRunner

from pare.cli.common import config_loader
from pare.config import PareError
from pare.config_loader import load_library
from pare.data.origins.ingest import ingest
from pare.data.origins.manifest import RawFolder
from pare.paper.commands import paper
from pare.paper.pages.croissant import described

SIMULATED = [
    "darcy_flow",
    "pdebench_advection",
    "pdebench_burgers",
    "pdebench_darcy",
    "pdebench_diffusion_reaction_1d",
    "pdebench_diffusion_reaction_2d",
    "pdebench_diffusion_sorption",
    "pdebench_navier_stokes_1d",
    "pdebench_shallow_water",
]
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # in rdflib itself
FEW = {"samples": 10, "train": 1, "test": 1}


def test_these_are_the_simulated_tasks(library):
    assert sorted(name for name in library.tasks if library.task(name).raw.active.simulated) == SIMULATED


@pytest.mark.parametrize("name", SIMULATED)
def test_a_description_has_files_rows_licence_and_how_they_were_made(library, tmp_path, name):
    task = library.task(name)
    raw = task.raw.active
    options = raw.options | {key: count for key, count in FEW.items() if key in raw.options}
    ingest(raw.model_copy(update={"options": options}), tmp_path)
    (tmp_path / "croissant.json").write_text(described(name, task, RawFolder.open(tmp_path)))
    read = mlcroissant.Dataset(tmp_path / "croissant.json").metadata
    assert not read.issues.errors
    assert (read.name, read.license, read.url) == (name, [raw.licence], raw.url)
    assert f"seed={options['seed']}" in read.data_collection
    files = [file for file in read.distribution if isinstance(file, mlcroissant.FileObject)]
    assert {file.sha256 for file in files} == {
        hashlib.sha256((tmp_path / file.content_url).read_bytes()).hexdigest() for file in files
    }
    assert {file.content_size for file in files} == {
        f"{(tmp_path / file.content_url).stat().st_size} B" for file in files
    }
    coordinates = len(task.input.shape) - 1 if task.normalisation.coordinates else 0
    shapes = [(task.input.shape[0] - coordinates, *task.input.shape[1:]), task.output.shape]
    assert {rows.id for rows in read.record_sets} == {"train", "test"}
    for rows in read.record_sets:
        assert [field.array_shape_tuple for field in rows.fields] == shapes
        assert all("without unit" in field.description for field in rows.fields)


def test_published_files_are_not_described(library, tmp_path):
    ingest(library.task("openml_wdbc").raw.active, tmp_path)
    with pytest.raises(PareError, match=r"'openml_wdbc' are not simulated.*https://"):
        described("openml_wdbc", library.task("openml_wdbc"), RawFolder.open(tmp_path))


@pytest.mark.slow
def test_the_command_prints_it_or_says_what_is_missing(project):
    name, folder = "pdebench_advection", project.project_path / "data" / "01_raw" / "pdebench_advection"
    missing = CliRunner().invoke(paper, ["croissant", name], obj=project)
    assert missing.exit_code == 1
    assert f"run: kedro run --pipelines=ingest --params task={name}" in " ".join(missing.output.split())
    small = {name: {"raw": {"origins": {f"{name}_simulation": {"options": {"samples": 10}}}}}}
    local = project.project_path / "conf" / "local" / "tasks" / "small.yml"
    local.parent.mkdir()
    local.write_text(yaml.safe_dump(small))
    changed = load_library(config_loader(project.project_path, "local")).task(name)
    ingest(changed.raw.active, folder)
    printed = CliRunner().invoke(paper, ["croissant", name], obj=project)
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.output)["conformsTo"] == "http://mlcommons.org/croissant/1.1"
