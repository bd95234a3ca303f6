"""The leaderboard's table and figure."""

from pare.evaluation.metrics import METRICS
from pare.learners.choice.leaderboard import leaderboard_figure, leaderboard_table

CANDIDATES = [
    {"method": "probe", "share": 1.0, "left_out": "", "metric": 4.0, "folds": [3.0, 5.0], "seconds": 2.0},
    {"method": "pare", "share": 0.0, "left_out": "after fold 1: slow", "metric": 1.0, "folds": [1.0], "seconds": 9.0},
    {"method": "catboost", "share": 0.0, "left_out": "", "metric": 6.0, "folds": [6.0, 6.0], "seconds": 1.0},
    {"method": "xgboost", "share": 0.0, "left_out": "needs xgboost"},
]


def test_the_table_has_every_candidate_in_the_order_in_which_they_were_tried():
    table = leaderboard_table(CANDIDATES)
    assert table["method"].tolist() == ["probe", "pare", "catboost", "xgboost"]
    assert table["folds"].tolist() == [2, 1, 2, 0]


def test_a_candidate_that_did_not_see_all_folds_is_below_the_others_and_hollow():
    figure = leaderboard_figure(CANDIDATES, 4.0, METRICS["error_percent"], title="t")
    (axes,) = figure.axes
    names = [label.get_text().partition("\n")[0] for label in axes.get_yticklabels()]
    assert names == ["probe, weight 100 %", "catboost", "pare"]
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() for line in points] == ["tab:blue", "tab:blue", "none"]


def test_folds_without_a_metric_are_counted_and_not_drawn():
    rare = [
        {"method": "probe", "share": 1.0, "left_out": "", "metric": 0.9, "folds": [None, None], "seconds": 2.0},
        {"method": "pare", "share": 0.0, "left_out": "", "metric": None, "folds": [None, None], "seconds": 2.0},
    ]
    assert leaderboard_table(rare)["folds"].tolist() == [2, 2]
    (axes,) = leaderboard_figure(rare, None, METRICS["auroc_ovo"], title="t").axes
    assert [label.get_text().partition("\n")[0] for label in axes.get_yticklabels()] == ["probe, weight 100 %"]


def test_networks_have_a_second_point_after_their_final_fit():
    networks = [{**CANDIDATES[0], "final": 2.5}, CANDIDATES[2]]
    assert leaderboard_table(networks)["final"].fillna(0).tolist() == [2.5, 0]
    (axes,) = leaderboard_figure(networks, None, METRICS["error_percent"], title="t").axes
    (line,) = [line for line in axes.lines if line.get_marker() == "D"]
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([2.5], [0])


def test_a_network_that_was_not_compared_has_the_point_of_its_final_fit():
    network = {"method": "u_net", "share": 0.0, "left_out": "", "final": 3.0, "seconds": 200.0}
    assert leaderboard_table([CANDIDATES[0], network])["folds"].tolist() == [2, 0]
    (axes,) = leaderboard_figure([CANDIDATES[0], network], None, METRICS["error_percent"], title="t").axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["u_net\n200.0 s a fit", "probe, weight 100 %\n2.0 s a fit"]
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() in "Do"]
    assert points == [(4.0, 1), (3.0, 0)]
    assert [text.get_text() for text in axes.get_legend().get_texts()][1].startswith("all held-out rows")
