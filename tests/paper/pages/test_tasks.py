"""The page of all tasks."""

from pathlib import Path

from pare.paper.pages.tasks import tasks_page

PAGE = Path(__file__).parents[3] / "docs" / "tasks.md"


def test_the_page_in_the_docs_is_the_one_that_the_configuration_makes(library):
    assert PAGE.read_text() == tasks_page(library), "run: kedro paper pages"


def test_every_task_has_its_row_and_its_paragraph(library):
    page = tasks_page(library)
    for name in library.tasks:
        assert page.count(f"| `{name}` |") == 1
        assert page.count(f"**{name}**, ") == 1
