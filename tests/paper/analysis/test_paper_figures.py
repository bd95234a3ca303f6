import io

import numpy as np
import pandas as pd
import pytest

from pare.paper.analysis.paper_figures import (
    TokenGrid,
    distances_figure,
    embeddings_figure,
    features_figure,
    landscape_figure,
    patches_figure,
    scores_figure,
    source_features_figure,
    starts_figure,
)
from pare.paper.analysis.replaced_tokens import replaced_features, replaced_patches, score_histograms


def panels(figure):
    figure.savefig(io.BytesIO(), dpi=30)
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def test_a_landscape_has_a_panel_a_model_and_the_cut_of_each():
    axis = np.linspace(-1, 1, 5)
    lines = [
        {"method": method, "a": a, "b": b, "loss": scale * (0.1 + a**2 + 2 * b**2)}
        for method, scale in (("pare", 1), ("finetune", 3))
        for a in axis
        for b in axis
    ]
    one, two, cut = panels(landscape_figure(pd.DataFrame(lines), title="t", loss="relative l2"))
    assert (one.get_title(), two.get_title()) == ("pare", "finetune")
    for curve, scale in zip(cut.lines, (1, 3), strict=True):
        np.testing.assert_allclose(curve.get_xydata(), np.stack([axis, scale * (0.1 + axis**2)], 1))
    assert cut.get_ylabel() == "relative l2"


def test_distances_are_drawn_as_they_are():
    table = pd.DataFrame({"share": [0, 0.5, 1], "to_source": [4.0, 1.0, 0.0], "to_target": [0.0, 2.0, 5.0]})
    (ax,) = panels(distances_figure(table, title="t"))
    for curve, column in zip(ax.lines, ("to_source", "to_target"), strict=True):
        np.testing.assert_array_equal(curve.get_xydata(), table[["share", column]])
    assert len({curve.get_linestyle() for curve in ax.lines}) == 2


def test_every_group_of_a_map_has_its_points_and_a_marker_of_its_own():
    draw = np.random.default_rng(0)
    groups = ["target", "mixed, k/N = 0.25", "mixed, k/N = 0.50", "source"]
    table = pd.DataFrame({"group": np.repeat(groups, 5), "x": draw.normal(size=20), "y": draw.normal(size=20)})
    (ax,) = panels(embeddings_figure(table, title="t"))
    for points, group in zip(ax.collections, groups, strict=True):
        np.testing.assert_array_equal(points.get_offsets(), table[table["group"] == group][["x", "y"]])
    shapes = {points.get_paths()[0].vertices.tobytes() for points in ax.collections}
    assert len(shapes) == len(groups)


def test_source_features_have_a_panel_an_encoder_with_its_accuracy():
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"encoder": np.repeat(["pretrained", "pare", "finetune"], 8), "label": list("abcdefgh") * 3})
    table = table.assign(x=draw.normal(size=24), y=draw.normal(size=24), accuracy=np.repeat([0.75, 0.5, 0.25], 8))
    axes = panels(source_features_figure(table, title="t"))
    assert [ax.get_title().split()[0] for ax in axes] == ["pretrained", "pare", "finetune"]
    assert [ax.get_title().split()[-1] for ax in axes] == ["75%", "50%", "25%"]
    drawn = np.concatenate([points.get_offsets() for points in axes[0].collections])
    np.testing.assert_array_equal(drawn, table[table["encoder"] == "pretrained"].sort_values("label")[["x", "y"]])


SCORES = np.random.default_rng(0).random((2, 6)).astype(np.float32)
EPOCHS = [(1, 4), (2, 1)]


def test_hatched_patches_of_a_field_are_those_of_the_table():
    table = replaced_patches(SCORES, EPOCHS, 0)
    fields = np.random.default_rng(1).normal(size=(2, 7, 11))  # the last patches reach beyond the field
    axes = panels(patches_figure(table, fields, TokenGrid((2, 3), (4, 4)), title="t", channel="u"))
    rows = np.array(axes).reshape(4, 3)
    for row, (sample, chooser) in zip(rows, [(s, c) for s in (0, 1) for c in ("gate", "random")], strict=True):
        for ax, (epoch, _) in zip(row[1:], EPOCHS, strict=True):
            part = table[(table["sample"] == sample) & (table["epoch"] == epoch)]
            expected = [divmod(token, 3) for token in np.flatnonzero(part[chooser])]
            corners = [path.get_extents().min for path in ax.collections[0].get_paths()]
            found = [(round((y + 0.5) / 4), round((x + 0.5) / 4)) for x, y in corners]
            assert sorted(found) == expected
            assert ax.get_xlim() == (-0.5, 10.5)
    np.testing.assert_array_equal(rows[0, 0].images[0].get_array(), fields[0])
    np.testing.assert_array_equal(rows[1, 0].images[0].get_array(), SCORES[0].reshape(2, 3))


def test_hatched_stretches_of_a_series_are_those_of_the_table():
    table = replaced_patches(SCORES, EPOCHS, 0)
    fields = np.random.default_rng(1).normal(size=(2, 24))
    axes = np.array(panels(patches_figure(table, fields, TokenGrid((6,), (4,)), title="t", channel="u"))).reshape(4, 3)
    part = table[(table["sample"] == 0) & (table["epoch"] == 1)]
    covered = np.zeros(24, bool)
    for stretch in axes[0, 1].patches:
        covered[round(stretch.get_x() + 0.5) : round(stretch.get_x() + stretch.get_width() + 0.5)] = True
    np.testing.assert_array_equal(covered, np.repeat(part["gate"], 4))
    np.testing.assert_array_equal(axes[1, 0].patches[0].get_data().values, SCORES[0])


def test_names_with_dollar_signs_are_no_formulas():
    name = r"$\frac$"
    table = replaced_features([[0.9, 0.1]], [{"epoch": 1, "k": 1}], [name, "b"], 100, 0)
    panels(features_figure(table, title=name))
    fields = np.random.default_rng(1).normal(size=(2, 24))
    panels(patches_figure(replaced_patches(SCORES, EPOCHS, 0), fields, TokenGrid((6,), (4,)), title="t", channel=name))


def test_features_are_ordered_by_how_often_the_gate_replaced_them():
    history = [{"epoch": 1, "k": 2}, {"epoch": 2, "k": 1}]
    table = replaced_features([[0.9, 0.1, 0.5], [0.8, 0.0, 0.2]], history, ["a", "b", "c"], 100, 0)
    gate, random = panels(features_figure(table, title="t"))
    assert [text.get_text() for text in gate.get_yticklabels()] == ["b", "c", "a"]
    np.testing.assert_array_equal(gate.images[0].get_array(), [[0.1, 0.0], [0.5, 0.2], [0.9, 0.8]])
    assert (gate.get_title(), random.get_title()) == ("chosen by the gate", "chosen at random")


def test_scores_are_drawn_as_the_histograms_have_them_in_at_most_five_epochs():
    counts = np.random.default_rng(0).integers(1, 9, (8, 2, 500))
    table = score_histograms(counts.tolist(), [{"epoch": e, "k": 8 - e} for e in range(1, 9)])
    axes = panels(scores_figure(table, title="t"))
    assert [ax.get_title() for ax in axes] == [f"epoch {e}, k = {8 - e}" for e in (1, 3, 4, 5, 7)]
    for ax, epoch in zip(axes, (1, 3, 4, 5, 7), strict=True):
        for steps, name in zip(ax.patches, ("target", "source"), strict=True):
            np.testing.assert_array_equal(steps.get_data().values, table[table["epoch"] == epoch][name])


COLUMNS = ["method", "variant", "seed", "start", "test"]
RUNS = [("pare", f"start_{s}", seed, s / 100, s / 50 + seed) for s in (10, 30) for seed in (0, 1)]


def test_the_influence_of_the_start_is_the_mean_over_seeds_next_to_fine_tuning():
    table = pd.DataFrame([*RUNS, ("finetune", "", 0, 0.0, 2.0), ("finetune", "", 1, 0.0, 4.0)], columns=COLUMNS)
    (ax,) = panels(starts_figure(table, title="t", metric="error", command="kedro run"))
    ((line, _, bars),) = [container.lines for container in ax.containers]
    np.testing.assert_allclose(line.get_xydata(), [[0.1, 0.7], [0.3, 1.1]])
    lengths = [np.ptp(segment[:, 1]) / 2 for segment in bars[0].get_segments()]
    np.testing.assert_allclose(lengths, np.std([0, 1], ddof=1))
    assert 3.0 in [round(float(line.get_ydata()[0]), 6) for line in ax.lines]


@pytest.mark.parametrize("runs", [[], RUNS[:2]])
def test_too_few_starts_are_answered_with_the_command_that_makes_another(runs):
    figure = starts_figure(pd.DataFrame(runs, columns=COLUMNS), title="t", metric="error", command="kedro run --x")
    said = figure.texts[-1].get_text()
    assert "kedro run --x" in said
    assert ("found: 0.1" if runs else "found: none") in said
