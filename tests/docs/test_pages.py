"""Hand-written pages: what they name exists."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
    "data/README.md",
    "conf/local/README.md",
    "notebooks/README.md",
]
PAGES += [f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md")]
# A folder or a file of code or configuration; placeholders such as <task> and files that a run writes are none.
PATH = re.compile(r"`([a-z_0-9]+(?:/[a-z_0-9]+)*(?:/|\.(?:py|yml|yaml)))`|`((?:src|conf|data|docs|tests)/[\w/.]+)`")


def test_every_path_in_the_architecture_exists(page):
    found = [first or second for first, second in PATH.findall(page("docs/architecture.md"))]
    missing = [name for name in found if not any((root / name).exists() for root in (PROJECT, PROJECT / "src/pare"))]
    assert len(found) > 40
    assert missing == []


def test_every_name_that_the_architecture_gives_a_module_is_in_it(page):
    pairs = re.findall(r"`(\w+)` in `([\w/]+\.py)`|`([\w/]+\.py)`, `(_\w+)`", page("docs/architecture.md"))
    assert pairs
    for first, module, other_module, second in pairs:
        text = (PROJECT / "src" / "pare" / (module or other_module)).read_text(encoding="utf-8")
        assert re.search(rf"(def|class) {first or second}\b", text)


def test_every_path_in_the_recipes_exists_and_holds_what_they_name(page):
    text = page("CONTRIBUTING.md")
    paths = re.findall(r"`((?:src|conf|docs|tests)/[\w/.]+|\w+\.toml)`", text)
    assert len(paths) > 15
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    named = re.findall(r"`([A-Z]\w+)`\s+in\s+`([\w/]+\.py)`", text)
    assert {name for name, _ in named} >= {"FORMATS", "ORIGINS", "MIXERS", "GATES", "SHAPES", "FAMILIES", "METRICS"}
    for name, path in named:
        assert re.search(rf"^(class )?{name}\b", (PROJECT / path).read_text(encoding="utf-8"), re.MULTILINE), path
    for path in re.findall(r"`(src/pare/learners/libraries/\w+\.py)`", text):
        assert "\nESTIMATORS = {" in (PROJECT / path).read_text(encoding="utf-8"), path


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(page, name):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page(name)):
        if not target.startswith("https://"):
            path = (PROJECT / name).parent / target if target else PROJECT / name
            assert path.exists(), target
            if anchor:
                headings = re.findall(r"^#+ (.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
