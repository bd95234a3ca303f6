"""The leaderboard's table and figure."""

from pare.evaluation.metrics import METRICS
from pare.learners.choice.leaderboard import leaderboard_figure, leaderboard_table

CANDIDATES = [
    {"method": "probe", "share": 1.0, "left_out": "", "metric": 4.0, "folds": [3.0, 5.0], "seconds": 2.0},
    {"method": "pare", "share": 0.0, "left_out": "no time"},
    {"method": "catboost", "share": 0.0, "left_out": "", "metric": 6.0, "folds": [6.0, 6.0], "seconds": 1.0},
    {"method": "xgboost", "share": 0.0, "left_out": "needs xgboost"},
]


def test_the_table_has_every_candidate_in_the_order_in_which_they_were_tried():
    table = leaderboard_table(CANDIDATES)
    assert table["method"].tolist() == ["probe", "pare", "catboost", "xgboost"]
    assert table["folds"].tolist() == [2, 0, 2, 0]


def test_the_best_is_on_top_and_those_left_out_are_not_drawn():
    figure = leaderboard_figure(CANDIDATES, 4.0, METRICS["error_percent"], title="t")
    (axes,) = figure.axes
    names = [label.get_text().partition("\n")[0] for label in axes.get_yticklabels()]
    assert names == ["probe, weight 100 %", "catboost"]
    (points,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert list(points.get_xdata()) == [4.0, 6.0]


def test_folds_without_a_metric_are_counted_and_not_drawn():
    rare = [
        {"method": "probe", "share": 1.0, "left_out": "", "metric": 0.9, "folds": [None, None], "seconds": 2.0},
        {"method": "pare", "share": 0.0, "left_out": "", "metric": None, "folds": [None, None], "seconds": 2.0},
    ]
    assert leaderboard_table(rare)["folds"].tolist() == [2, 2]
    (axes,) = leaderboard_figure(rare, None, METRICS["auroc_ovo"], title="t").axes
    assert [label.get_text().partition("\n")[0] for label in axes.get_yticklabels()] == ["probe, weight 100 %"]
