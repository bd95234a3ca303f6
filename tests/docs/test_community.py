"""What a stranger to the project meets first: how to cite, to report, to build; none of it contradicts the project."""

import re
from pathlib import Path

import pytest
import yaml

import pare

tomllib = pytest.importorskip("tomllib")  # new in Python 3.11
PROJECT = Path(__file__).parents[2]
FORMS = sorted((PROJECT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


def read(path):
    return yaml.safe_load((PROJECT / path).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project():
    """The project's table of pyproject.toml."""
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]


def test_the_citation_is_of_this_version_and_of_the_paper_that_the_readme_names(project, page):
    cited = read("CITATION.cff")
    assert (cited["version"], cited["license"]) == (pare.__version__, project["license"])
    paper = cited["preferred-citation"]
    assert " ".join(paper["title"].split()) in " ".join(page("README.md").split())
    assert paper["url"] == project["urls"]["Paper"]


def test_every_python_of_the_classifiers_is_tested_with_the_command_of_the_readme(project, page):
    job = read(".github/workflows/ci.yml")["jobs"]["test"]
    named = {found for text in project["classifiers"] for found in re.findall(r"Python :: (3\.\d+)$", text)}
    assert set(job["strategy"]["matrix"]["python"]) == named
    assert f">={min(named, key=lambda text: int(text[2:]))}" == project["requires-python"]
    (command,) = [step["run"] for step in job["steps"] if "run" in step]
    assert re.search(rf"^{command} +# ", page("README.md"), re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_gives_no_job_more_rights_than_it_names(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["runs-on"], name
        assert all(("uses" in step) != ("run" in step) for step in job["steps"]), name
        assert set(job.get("needs", "").split()) <= workflow["jobs"].keys(), name


@pytest.mark.parametrize("path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem)
def test_a_form_of_an_issue_is_one_that_github_takes(path):
    form = read(path)
    assert form["name"] and form["description"]
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in asked}) == len(asked) > 0
    for part in asked:
        assert part["type"] in ("checkboxes", "dropdown", "input", "textarea")
        assert part["attributes"]["label"]
        assert all(isinstance(option, str) for option in part["attributes"].get("options", ()))


def test_the_container_makes_what_the_makefile_knows(page):
    targets = set(re.findall(r"^([\w./$()]+):", page("Makefile"), re.MULTILINE))
    made = re.findall(r'make"?,? "?([\w/.]+)', page("Dockerfile").partition("USER")[2])
    (venv,) = re.findall(r"VENV=(\S+)", page("Dockerfile"))
    assert {name.replace(venv, "$(VENV)") for name in made} == {"demo", "$(VENV)/demo.done"}
    assert {name.replace(venv, "$(VENV)") for name in made} <= targets
