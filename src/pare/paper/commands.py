"""`kedro paper`: the pages of docs/ that are generated, and the Croissant description of a simulated dataset."""

import click
from kedro.framework.startup import ProjectMetadata

from pare.cli.common import Commands, config_loader
from pare.config import PareError
from pare.config_loader import load_library
from pare.data.origins.manifest import RawFolder, read_manifest, same_request
from pare.matrix.blocks import expand, unique
from pare.paper.pages.croissant import described
from pare.paper.pages.parameters import schema_page
from pare.paper.pages.results_page import results_page, runs_in, with_results
from pare.paper.pages.tasks import tasks_page
from pare.report.results import listed_results


@click.group(cls=Commands)
def paper() -> None:
    """What the paper's reproduction needs: generated pages, and descriptions of simulated files."""


@paper.command()
@click.pass_obj
def pages(metadata: ProjectMetadata) -> None:
    """Write docs/tasks.md, docs/parameters.md, docs/results.md and the README's table."""
    project = metadata.project_path
    loader = config_loader(project, "base")  # without what the user has in conf/local
    library = load_library(loader)
    cells = unique(expand(loader["matrix"], library, loader["parameters"]))
    frame = listed_results(project / "data" / "08_reporting").frame  # no results of this machine alone
    frame = runs_in(frame, {cell.run.folder for cell in cells.values()})
    readme, docs = project / "README.md", project / "docs"
    texts = {
        docs / "tasks.md": tasks_page(library),
        docs / "parameters.md": schema_page(loader["parameters"]),
        docs / "results.md": results_page(frame, library),
        readme: with_results(readme.read_text(encoding="utf-8"), frame, library),
    }
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
        click.echo(f"Written: {path.relative_to(project)}")


@paper.command()
@click.argument("name")
@click.pass_obj
def croissant(metadata: ProjectMetadata, name: str) -> None:
    """Print a Croissant description (JSON-LD) of the files of a simulated task NAME.

    \b
    Example:
      kedro run --pipelines=ingest --params task=darcy_flow
      kedro paper croissant darcy_flow > data/01_raw/darcy_flow/croissant.json
    """
    library = load_library(config_loader(metadata.project_path, None))
    task = library.task(name)
    folder = metadata.project_path / "data" / "01_raw" / library.raw_place("tasks", name)
    manifest = read_manifest(folder)
    if manifest is None or not same_request(manifest, task.raw.active):
        raise PareError(
            f"the files of task {name!r} are not here, or were made with other options; "
            f"run: kedro run --pipelines=ingest --params task={name}"
        )
    click.echo(described(name, task, RawFolder.open(folder)))
