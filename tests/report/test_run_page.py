"""The page of one run."""

import os
import re
from base64 import b64decode
from html.parser import HTMLParser

import pytest

from pare.config import resolve
from pare.report.run_page import RunPage

VOID = {"meta", "wbr", "img"}
METRICS = {
    "kept": "epoch 3",
    "start_validation": 0.8,
    "test_interval": {"level": 0.95, "lower": 0.85, "upper": 0.95, "draws": 1000},
    "usual": {"auroc": 0.9, "accuracy": 0.875, "recall": [1.0, None], "log_loss": 0.1234},
    "uncertainty": {
        "asked": 0.9,
        "coverage": 0.8765,
        "set_size": 1.25,
        "temperature": 2.5,
        "log_loss": {"before": 0.2, "after": 0.0987},
        "calibration_error": {"before": 0.2, "after": 0.0345},
    },
    "versions": {"pare": "0.1.0"},
}


class Text(HTMLParser):
    """Words of a page; elements must be closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open += [tag] if tag not in VOID else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words += data.split()


@pytest.fixture
def run(library, parameters):
    return resolve(library, parameters | {"task": "openml_wdbc", "method": "pare"}, {"training": {"epochs": 7}})


@pytest.fixture
def page(write, tmp_path):
    """Write the metrics of a run, other files next to it, and its page."""

    def page(run, files=(), **changes):
        test = changes.pop("test", 0.9)
        path = write(run.task_name, run.method_name, run.seed, test, **(METRICS | changes))
        for name, content in dict(files).items():
            (path.parent / name).write_bytes(content)
        target = path.with_name("run.html")
        RunPage(run).write(target)
        return target.read_text(encoding="utf-8")

    return page


def said(page):
    return " ".join(Text(page).words)


def test_it_says_what_was_measured_and_how_sure_that_is(page, run):
    text = said(page(run))
    assert run.title in text
    assert "Test AUROC, one-vs-one 0.9 on 100 samples (constant baseline: 0.5). Selected: epoch 3" in text
    assert text.count("AUROC") == text.count("AUROC, one-vs-one")  # not twice
    for number in ("0.9 0.85 to 0.95 0.5", "accuracy 0.875", "recall of class 1 1", "recall of class 2 none"):
        assert number in text
    assert "coverage of sets, 0.9 asked for 0.8765" in text
    assert "temperature 2.5 log loss at the temperature 0.0987" in text
    assert "pare 0.1.0" in text


def test_equal_rows_are_said_and_that_test_rows_are_known(page, run):
    repeats = {"rows": 1000, "repeats": 819, "ambiguous": 0, "test": 100, "known": 93, "together": False}
    text = said(page(run, repeats=repeats))
    assert "(constant baseline: 0.5). 93 of 100 test rows have the inputs of a training row. Selected" in text
    assert "819 of 1000 rows have the inputs of an earlier row. 93 of 100 test rows" in text


def test_hyperparameters_have_their_origin(page, run):
    text = said(page(run))
    assert "training.epochs 7 command line" in text
    assert re.search(r"training\.batch_size \d+ (start|task|general defaults|default)", text)


def test_pictures_are_inside_and_nothing_else_is_loaded(page, run):
    png = b"\x89PNG not a picture"
    html = page(run, {"prediction.png": png, "training.png": b"2", "notes.png": b"3"})
    loaded = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert [b64decode(one) for one in loaded] == [png, b"2"]
    assert not re.findall(r'src="(?!data:)|href="(?:http|/)', html)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("training", {"epochs": 0}),
        ("replaced", {"epochs": 0}),
        ("uncertainty", {"uncertainty": None}),
        ("uncertainty", {"uncertainty": {"asked": 0.9, "coverage": None, "width": None}}),
    ],
)
def test_figures_that_only_say_that_there_is_nothing_are_left_out(page, run, name, changes):
    files = {f"{name}.png": b"1"}
    assert "data:image" in page(run, files)
    assert "data:image" not in page(run, files, **changes)


def test_an_explanation_of_an_earlier_model_is_left_out(page, run, tmp_path):
    assert "data:image" in page(run, {"explanation.png": b"1"})
    reports = tmp_path / "08_reporting"
    folder, model = reports / run.folder, tmp_path / "06_models" / run.folder / "model"
    for one in (folder, model):
        one.mkdir(parents=True)
    (folder / "metrics.json").write_bytes((tmp_path / run.folder / "metrics.json").read_bytes())
    (folder / "explanation.png").write_bytes(b"1")
    (model / "record.json").write_text("{}")
    for age, shown in ((-9, True), (9, False)):
        written = (folder / "explanation.png").stat().st_mtime + age
        os.utime(model / "record.json", (written, written))
        RunPage(run).write(folder / "run.html")
        assert ("data:image" in (folder / "run.html").read_text()) is shown


def test_other_results_of_the_task_are_there_the_best_first_and_lead_to_their_pages(page, run, write):
    better = write("openml_wdbc", "catboost", 0, 0.95)
    better.with_name("run.html").write_text("")
    write("openml_wdbc", "probe", 0, 0.7)
    write("openml_car", "xgboost", 0, 0.99)
    html = page(run)
    others = html[html.index('id="others"') : html.index('id="model"')]
    found = re.findall(r">(catboost|pare|probe|xgboost)<", others)
    assert found == ["catboost", "pare", "probe"]
    (link,) = re.findall(r'href="([^"]+)"', others)
    assert (better.parents[2] / "pare" / "seed_0" / link).resolve() == better.with_name("run.html").resolve()
    assert '<td class="best"' in others


def test_commands_are_those_of_the_run(page, run):
    text = said(page(run))
    assert (
        "kedro run --pipelines=explain --env base --params task=openml_wdbc,method=pare,seed=0,training.epochs=7"
        in text
    )
    assert f'load("data/06_models/{run.folder}")' in text
    assert "--pipelines=predict" not in text  # a published task has no file of new rows


def test_a_library_has_its_options_and_a_choice_its_candidates(page, library, parameters):
    catboost = resolve(library, parameters | {"task": "openml_wdbc", "method": "catboost"}, {})
    none = dict.fromkeys(("source", "proxy", "epochs", "kept", "start_validation", "precision"))
    text = said(page(catboost, **none))
    assert "options.iterations" in text and "training.fraction" in text and "training.learning_rate" not in text
    choice = resolve(library, parameters | {"task": "openml_wdbc", "method": "choose"}, {})
    candidates = [
        {"method": "probe", "share": 1.0, "left_out": "", "metric": 0.5, "folds": [0.5, 0.6], "seconds": 3.0},
        {"method": "<orca>", "share": 0.0, "left_out": "needs a package"},
    ]
    html = page(choice, candidates=candidates, **none)
    assert "probe 1 0.5 2 3" in said(html) and "needs a package" in said(html)
    assert "&lt;orca&gt;" in html and "<orca>" not in html


def test_a_run_that_was_not_evaluated_has_no_page(run, tmp_path):
    RunPage(run).write(tmp_path / run.folder / "run.html")
    assert not (tmp_path / run.folder).exists()


def test_a_page_is_always_written_anew(run, tmp_path):
    described = RunPage(run, {"metrics": 1}, tmp_path)
    assert described.run is run
    assert not described.is_current(tmp_path)
