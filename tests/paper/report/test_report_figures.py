from xml.etree import ElementTree

import pandas as pd
import pytest

from pare.paper.report.report_figures import (
    cost_figure,
    difference_figure,
    profile_figure,
    styles,
    svg_text,
)

METHODS = ["pare", "orca <&>"]


@pytest.fixture
def profile():
    return pd.DataFrame({"pare": [1.0, 1.0], "orca <&>": [0.5, 1.0]}, index=pd.Index([1.0, 8.0], name="tau"))


def titles(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("title")]


def test_neighbouring_methods_differ_in_black_and_white():
    drawn = list(styles([f"m{i}" for i in range(20)]).values())
    assert len({(style.linestyle, style.marker) for style in drawn}) == 20
    assert drawn[0].linestyle == "-"


def test_a_profile_is_a_step_curve_from_1_to_the_last_task(profile):
    (ax,) = profile_figure(profile, 2, styles(METHODS)).axes
    curves = [line for line in ax.lines if len(line.get_xdata()) > 1]
    assert [line.get_drawstyle() for line in curves] == ["steps-post"] * 2
    assert list(curves[1].get_ydata()) == [0.5, 1, 1]
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == METHODS


def test_points_have_tooltips_whatever_is_in_their_names(profile):
    svg = svg_text(profile_figure(profile, 2, styles(METHODS)), "a profile")
    assert "orca <&>: within 8 times the best on 100% of 2 tasks" in titles(svg)


def test_a_figure_is_the_same_each_time_and_shares_no_names_with_others(profile):
    def drawn(name):
        return svg_text(profile_figure(profile, 2, styles(METHODS)), name)

    def ids(svg):
        return {element.get("id") for element in ElementTree.fromstring(svg).iter()} - {None}

    assert drawn("one") == drawn("one")
    one, two = drawn("one"), drawn("two")
    clips_and_markers = [{name for name in ids(svg) if not name.startswith("DejaVu")} for svg in (one, two)]
    assert clips_and_markers[0] and not clips_and_markers[0] & clips_and_markers[1]


def test_each_pair_is_a_point_and_the_median_a_bar():
    pairs = pd.DataFrame(
        {
            "method": ["orca"] * 3,
            "task": ["a", "a", "b"],
            "seed": [0, 1, 0],
            "error": [1.0, 2.0, 3.0],
            "reference_error": [1.0, 1.0, 1.0],
            "difference": [0.0, 2 / 3, 1.0],
        }
    )
    figure = difference_figure(pairs, "pare", styles(["pare", "orca"]))
    assert "right of 0: pare is better" in figure.axes[0].get_xlabel()
    found = titles(svg_text(figure, "differences"))
    assert "b, seed 0: orca 3, pare 1" in found
    assert "orca: median +66.7 %" in found


def test_costs_have_units_and_leave_out_what_is_not_known():
    costs = pd.DataFrame(
        {
            "method": ["pare", "orca", "fno"],
            "task": ["a"] * 3,
            "ratio": [1.0, 2.0, float("inf")],
            "train_seconds": [10.0, 900.0, 1.0],
        }
    )
    (ax,) = cost_figure(costs, "train_seconds", styles(["pare", "orca", "fno"])).axes
    assert ax.get_xlabel() == "training time [s] (lower is better)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["orca", "pare"]
