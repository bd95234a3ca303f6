"""Candidates within some minutes, with fits whose results and seconds the tests say."""

from dataclasses import replace

import numpy as np
import pytest

from pare.config import PareError, resolve_choice
from pare.learners.choice import fold_rows, processes
from pare.learners.choice import search as module
from pare.learners.choice.search import Search
from pare.learners.choice.tried import HeldOut, not_installed, within
from pare.learners.libraries import by_name
from pare.storage.store import ArrayStore, write_store

ROWS = {"train": 80, "validation": 20, "test": 10}


@pytest.fixture
def store(tmp_path) -> ArrayStore:
    rng = np.random.default_rng(0)
    blocks = [
        (part, {"x": rng.normal(size=(n, 3)).astype(np.float32), "y": np.arange(n) % 2}) for part, n in ROWS.items()
    ]
    write_store(tmp_path / "s.h5", rows=ROWS, blocks=blocks, statistics={}, fingerprint="s", description={})
    return ArrayStore(tmp_path / "s.h5")


@pytest.fixture
def fits(monkeypatch):
    """What each candidate is: (size of its error, seconds of a fit); the fits that were made are noted."""
    given, made = {}, []

    def held_out(run, store, source, folder):
        rows = store.rows("test").read(0, len(store.rows("test")))
        if isinstance(given[run.method_name], str):
            raise PareError(given[run.method_name])
        error, seconds = given[run.method_name]
        signal = 2.0 * rows["y"] - 1 + np.random.default_rng(len(made)).normal(0, error, len(rows["y"]))
        made.append(run.method_name)
        return HeldOut(np.stack([-signal, signal], 1).astype(np.float32), rows["y"], seconds)

    monkeypatch.setattr(module, "held_out", held_out)
    monkeypatch.setattr(module, "_expected", lambda run: 0.0)
    return given, made


@pytest.fixture
def search(library, parameters, store, tmp_path):
    def make(minutes: float, methods: list[str]) -> Search:
        candidates = {"table": {"folds": 5, "methods": methods}}
        own = library.model_copy(update={"candidates": candidates})
        chosen = {"task": "openml_wdbc", "method": "choose", "minutes": minutes}
        return Search(resolve_choice(own, {**parameters, **chosen}, {}), store, None, tmp_path / "search")

    return make


METHODS = ["probe", "logistic_regression", "lightgbm", "catboost"]


def test_with_time_enough_every_candidate_predicts_every_row_once(search, fits):
    given, made = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    done = search(10, METHODS).finished()
    assert [tried.name for tried in done] == METHODS
    assert made == METHODS * 5
    for tried in done:
        assert tried.outputs.shape == (100, 2)
        assert sorted(tried.truth) == [0] * 50 + [1] * 50


def test_a_candidate_that_predicts_what_an_earlier_one_does_is_left_out(search, fits, monkeypatch):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    held_out, first = module.held_out, {}

    def repeated(run, store, *rest):
        outcome = held_out(run, store, *rest)
        return first.setdefault(store.fingerprint, outcome) if run.method_name in ("probe", "catboost") else outcome

    monkeypatch.setattr(module, "held_out", repeated)
    one = search(10, METHODS)
    assert [tried.name for tried in one.finished()] == METHODS[:3]
    assert one.tried[3].left_out == "after fold 1: predicts what probe does"


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_whether_predictions_are_the_same_does_not_depend_on_their_unit(unit):
    rng = np.random.default_rng(0)
    one = unit * rng.normal(size=(50, 2))
    assert module._is_same(one, one + 1e-6 * unit)
    assert not module._is_same(one, one * 1.01)


def test_where_time_is_short_the_best_go_on_and_the_worst_that_does_not_fit_is_left_out(search, fits):
    given, made = fits
    given |= {"probe": (0.3, 10), "logistic_regression": (3.0, 10), "lightgbm": (0.4, 10), "catboost": (4.0, 1)}
    one = search(3, METHODS)  # 180 s: 31 s for the first fold, then 50 s for each but catboost, which takes 5 s
    assert {tried.name for tried in one.finished()} == {"probe", "lightgbm", "catboost"}
    assert made == METHODS + ["probe", "lightgbm", "catboost"] * 4
    reasons = {tried.name: tried.left_out for tried in one.tried}
    assert (
        reasons["logistic_regression"]
        == "no time after fold 1: 50 s more are needed; it is clearly worse than the best"
    )
    assert not reasons["probe"]
    assert one.left >= 21  # seconds for the final fits


def test_a_slow_candidate_that_is_best_by_chance_takes_no_time_from_faster_ones(search, fits):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (2.0, 4)) | {"catboost": (0.5, 40)}
    one = search(4, METHODS)  # 240 s: 52 s for the first fold, then 20 s for each but catboost, which takes 200 s
    assert [tried.name for tried in one.finished()] == METHODS[:3]
    assert one.tried[3].left_out == "no time after fold 1: 3 min 20 s more are needed; faster ones are about as good"
    firsts = [replace(tried, folds=tried.folds[:1]) for tried in one.tried]
    assert min(firsts, key=one._loss).name == "catboost"


def test_a_slow_candidate_that_is_clearly_the_best_goes_on(search, fits):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (4.0, 4)) | {"catboost": (0.3, 34)}
    one = search(4, METHODS)  # 240 s: 46 s for the first fold, then 170 s for catboost and 20 s for one other
    assert len(one.finished()) == 2
    assert not one.tried[3].left_out


def test_the_scale_of_scores_that_are_no_logits_has_no_part_in_the_rank(search, fits):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (1.0, 1.0))
    one = search(10, METHODS)
    tried = one.finished()[0]
    fold = tried.folds[0]
    losses = []
    for factor in (0.3, 1.0, 10.0):
        tried.folds[:] = [replace(fold, outputs=factor * fold.outputs)]
        losses.append(one._loss(tried))
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-3)


def test_the_first_candidate_is_fitted_however_little_time_there_is(search, fits):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (0.5, 100.0))
    assert len(search(0.01, METHODS).finished()) == 1


def test_what_would_take_longer_than_is_left_is_not_tried(search, fits, monkeypatch):
    given, made = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    monkeypatch.setattr(module, "_expected", lambda run: 1000.0 if run.method_name == "lightgbm" else 0.0)
    one = search(5, METHODS)
    assert "lightgbm" not in {tried.name for tried in one.finished()}
    assert "lightgbm" not in made
    assert next(tried for tried in one.tried if tried.name == "lightgbm").left_out.startswith("no time: about")


def test_a_training_takes_no_time_that_those_before_it_need_for_their_other_fits(search, fits, monkeypatch):
    """Three candidates need 15 seconds each after their first fits, and have 51."""
    given, _ = fits
    given |= dict.fromkeys(METHODS, (0.5, 3.0))
    monkeypatch.setattr(module, "_expected", lambda run: 2.5 if run.method_name == "catboost" else 0.0)
    one = search(1, METHODS)
    assert {tried.name for tried in one.finished()} == set(METHODS) - {"catboost"}
    assert one.tried[-1].left_out == "no time: about 15 s are needed, 6 s are left"


def test_nothing_else_is_tried_where_a_candidate_leaves_rounding_alone(search, fits, monkeypatch):
    given, made = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    monkeypatch.setattr(
        module.Tried, "is_exact", property(lambda tried: bool(tried.folds) and tried.name == "lightgbm")
    )
    one = search(5, METHODS)
    assert [tried.name for tried in one.finished()] == METHODS[:3]
    assert one.tried[3].left_out.startswith("lightgbm leaves nothing to gain")
    assert "catboost" not in made


def test_what_is_not_installed_is_named_before_the_first_fit_with_the_command_that_installs_it(
    search, monkeypatch, caplog
):
    monkeypatch.setattr(by_name, "find_spec", lambda name: None if name in ("lightgbm", "fno") else "spec")
    one = search(5, [*METHODS, "fno"])  # which does not suit tables, whatever is installed
    with caplog.at_level("INFO", logger="pare"):
        one.announce()
    begins, missing = caplog.messages
    assert begins == "Compared on 100 rows within 5 min 0 s: probe, logistic_regression, catboost."
    assert missing == "Not installed, so left out: lightgbm. All of them: pip install 'pare-transfer[baselines]'"
    assert not_installed(one.run) == ["lightgbm"]


@pytest.fixture
def costs(monkeypatch):
    """Many rows: seconds of any fit, and of each row that it learns from; the fits that were made are noted."""
    given, made = {}, []

    def held_out(run, store, source, folder):
        learnt = len(store.rows("train")) + len(store.rows("validation"))
        made.append((run.method_name, learnt))
        any_fit, row = given[run.method_name]
        y = store.rows("test").read(0, len(store.rows("test")))["y"]
        outputs = (2.0 * y[:, None] - 1) * [-1, 1] + np.random.default_rng(len(made)).normal(0, 0.5, (len(y), 2))
        return HeldOut(outputs.astype(np.float32), y, any_fit + row * learnt)

    monkeypatch.setattr(module, "held_out", held_out)
    monkeypatch.setattr(fold_rows, "MANY", 50)
    monkeypatch.setattr(fold_rows, "TIMED", (4, 5, 9))
    return given, made


def test_of_many_rows_a_fit_that_would_take_longer_than_all_minutes_is_not_begun(search, costs, caplog):
    given, made = costs
    given |= {"probe": (0, 1.0)} | dict.fromkeys(METHODS[1:], (1, 0.01))
    one = search(1.5, METHODS)  # 90 s; a fold has 80 rows to learn from
    with caplog.at_level("INFO", logger="pare"):
        assert [tried.name for tried in one.finished()] == METHODS[1:]
    assert [rows for name, rows in made if name == "probe"] == [4, 5, 9]
    assert [rows for name, rows in made if name == "catboost"] == [4, 5, 9, *[80] * 5]
    assert caplog.messages[0] == "probe: about 1 min 20 s a fit, by fits to few rows."
    assert one.tried[0].left_out == "no time: about 2 min 40 s are needed, 1 min 12 s are left"
    assert one.left == pytest.approx(90 - (4 + 5 + 9) - 3 * (1.04 + 1.05 + 1.09 + 5 * 1.8))


def test_nothing_is_timed_where_no_time_is_left(search, costs):
    given, made = costs
    given |= {"probe": (0, 0.1), "logistic_regression": (70, 0), "lightgbm": (1, 0)}
    one = search(1, METHODS[:3])
    assert [tried.name for tried in one.finished()] == ["probe"]
    assert one.tried[1].left_out == one.tried[2].left_out == "no time: 0 s are left"
    assert [name for name, _ in made if name != "probe"] == ["logistic_regression"]


def test_where_there_is_time_for_none_the_one_that_takes_least_is_fitted_to_one_fold_and_no_more(search, costs):
    given, made = costs
    given |= dict.fromkeys(METHODS, (0, 0.8)) | {"lightgbm": (0, 0.5)}
    one = search(1, METHODS)
    assert [tried.name for tried in one.finished()] == ["lightgbm"]
    assert [name for name, rows in made if rows == 80] == ["lightgbm"]
    assert not one.tried[2].left_out


def test_of_many_rows_the_comparison_ends_with_the_fold_after_which_no_time_is_left(search, costs):
    """After the first fold 32 seconds are left: for three final fits of 9 seconds, and for no other fold."""
    given, made = costs
    given |= dict.fromkeys(METHODS, (1, 0.1))
    one = search(73 / 60, METHODS[:3])
    assert [tried.name for tried in one.finished()] == METHODS[:3]
    assert [name for name, rows in made if rows == 80] == METHODS[:3]
    assert one.left == pytest.approx(73 - 3 * (1.4 + 1.5 + 1.9 + 9))


def test_a_baseline_that_does_not_suit_is_left_out_with_its_reason(search, fits, monkeypatch):
    given, made = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    monkeypatch.setattr(module, "why_not", lambda run: "needs catboost" if run.method_name == "catboost" else "")
    one = search(5, ["probe", "catboost"])
    assert [tried.name for tried in one.finished()] == ["probe"]
    assert one.tried[1].row(0.0) == {"method": "catboost", "share": 0.0, "left_out": "needs catboost"}
    assert "catboost" not in made


def test_a_candidate_that_cannot_be_fitted_stops_no_other(search, fits):
    given, _ = fits
    given |= {"probe": (0.5, 1.0), "catboost": "the grid is too small"}
    one = search(5, ["probe", "catboost"])
    assert [tried.name for tried in one.finished()] == ["probe"]
    assert one.tried[1].left_out == "the grid is too small"
    given["probe"] = "no memory"
    with pytest.raises(
        PareError, match="no candidate could be fitted to task 'openml_wdbc': probe: no memory; catboost"
    ):
        search(5, ["probe", "catboost"]).finished()


def test_where_the_only_one_that_fits_into_the_time_fails_late_the_others_are_compared(search, fits, monkeypatch):
    given, _ = fits
    given |= {"probe": (0.3, 10), "lightgbm": (0.8, 10), "catboost": (2.0, 10)}
    held_out = module.held_out

    def failing(run, store, source, folder):
        if run.method_name == "probe" and store.path.stem != "fold_0":
            raise PareError("a class has no row")
        return held_out(run, store, source, folder)

    monkeypatch.setattr(module, "held_out", failing)
    one = search(1, ["probe", "lightgbm", "catboost"])  # 60 s, of which a fit to each first fold leaves 30
    assert [tried.name for tried in one.finished()] == ["lightgbm"]
    assert one.tried[0].left_out == "a class has no row"
    assert "are needed" in one.tried[2].left_out


def test_those_without_time_are_compared_where_the_others_fail_late_and_a_failed_fit_counts(search, fits, monkeypatch):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    monkeypatch.setattr(module, "_expected", lambda run: 0.0 if run.method_name == "probe" else 1000.0)
    held_out, ticks = module.held_out, iter(range(0, 10**6, 7))  # each fit takes 7 seconds by this clock
    monkeypatch.setattr(processes.time, "perf_counter", lambda: next(ticks))

    def failing(run, store, source, folder):
        if run.method_name == "probe" and store.path.stem != "fold_0":
            raise PareError("a class has no row")
        return held_out(run, store, source, folder)

    monkeypatch.setattr(module, "held_out", failing)
    one = search(5, ["probe", "lightgbm", "catboost"])
    assert [tried.name for tried in one.finished()] == ["lightgbm"]
    assert one.left == pytest.approx(300 - 7 - 1 - 5)  # a failed fit, the one before it, and five to folds


def test_predictions_that_are_not_finite_leave_a_candidate_out(search, fits, monkeypatch):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    held_out = module.held_out

    def broken(run, *rest):
        fold = held_out(run, *rest)
        return replace(fold, outputs=fold.outputs * np.nan) if run.method_name == "catboost" else fold

    monkeypatch.setattr(module, "held_out", broken)
    one = search(5, ["probe", "catboost"])
    assert [tried.name for tried in one.finished()] == ["probe"]
    assert one.tried[1].left_out == "it predicts numbers that are not finite"


def test_a_search_goes_on_where_the_metric_is_undefined_in_its_first_fold(search, fits, monkeypatch):
    given, _ = fits
    given |= dict.fromkeys(METHODS, (0.5, 1.0))
    held_out = module.held_out

    def one_class_first(run, store, *rest):
        fold = held_out(run, store, *rest)
        return replace(fold, truth=fold.truth * 0) if store.path.stem == "fold_0" else fold

    monkeypatch.setattr(module, "held_out", one_class_first)
    found = search(5, ["probe", "catboost"]).finished()
    assert [tried.name for tried in found] == ["probe", "catboost"]
    assert all(tried.metrics[0] is None and tried.metric is not None for tried in found)


def test_only_fits_without_an_end_of_their_own_are_bounded_by_minutes(library, parameters):
    def candidates(task):
        asked = {**parameters, "task": task, "method": "choose", "minutes": 5}
        return {run.method_name: run for run in resolve_choice(library, asked, {}).candidates}

    fields, tables = candidates("darcy_flow"), candidates("openml_wdbc")
    assert within(fields["u_net"], 0.5).options["minutes"] == 0.5
    assert within(fields["finetune"], 0.5).training.minutes == 0.5
    assert within(fields["kernel_ridge"], 0.5) == fields["kernel_ridge"]
    assert within(tables["pare"], 0.5) == tables["pare"]
