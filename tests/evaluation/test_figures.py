import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from pare.evaluation.figures import (
    confusion_figure,
    dense_figure,
    multilabel_figure,
    regression_figure,
    replaced_figure,
    representative_samples,
    training_figure,
)


@pytest.fixture(autouse=True)
def no_figure_leaks_into_pyplot():
    yield
    assert plt.get_fignums() == []


def draws(figure):
    """Draw it, as saving does: layout problems show as warnings only then, and they are errors here."""
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO(), dpi=30)
    return figure


def panels(figure):
    """The axes that hold a drawing: neither colour bars nor insets."""
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def dense(n=3, channels=1, grid=(6, 8), **changes):
    draw = np.random.default_rng(0)
    truths = draw.normal(size=(n, channels, *grid))
    given = {
        "inputs": draw.normal(size=(n, 3, *(5 for _ in grid))),
        "truths": truths,
        "predictions": truths + draw.normal(size=truths.shape),
        "captions": [f"sample {i}" for i in range(n)],
        "title": "Darcy flow",
        "input_names": ["coefficient", "x", "y"],
        "output_names": [f"u{i}" for i in range(channels)],
    } | changes
    arrays = [given.pop(name) for name in ("inputs", "truths", "predictions")]
    return arrays, given


def epoch(number, **values):
    return {"epoch": number, "loss": 1.0 / number, "validation": None, "seconds": 1.0} | values


pytestmark = pytest.mark.filterwarnings("error::UserWarning")


def test_representative_samples_are_the_best_median_ninetieth_percentile_and_worst():
    scores = np.array([5, 3, 9, 0, 7, 1, 10, 2, 8, 4, 6])
    assert representative_samples(scores) == [(3, "best"), (0, "median"), (2, "90th percentile"), (6, "worst")]
    assert representative_samples(scores, channels=2) == [(0, "median"), (6, "worst")]


@pytest.mark.parametrize(("n", "roles"), [(1, ["best"]), (2, ["best", "worst"]), (3, ["best", "median", "worst"])])
def test_a_few_samples_are_chosen_once_each(n, roles):
    assert [role for _, role in representative_samples(np.arange(n))] == roles


def test_a_sample_without_a_score_is_not_chosen():
    chosen = representative_samples(np.array([np.nan, 2.0, np.nan, 1.0]))
    assert chosen == [(3, "best"), (1, "worst")]
    with pytest.raises(ValueError, match="none of 2 scores"):
        representative_samples(np.full(2, np.nan))


def test_dense_figure_shows_input_truth_prediction_and_error_of_each_sample():
    (inputs, truths, predictions), given = dense()
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    rows = np.array(panels(figure)).reshape(3, 4)
    assert [ax.get_ylabel().splitlines()[0] for ax in rows[:, 0]] == ["sample 0", "sample 1", "sample 2"]
    for row, *fields in zip(rows, inputs[:, 0], truths[:, 0], predictions[:, 0], strict=True):
        for ax, expected in zip(row, [*fields, fields[2] - fields[1]], strict=True):
            np.testing.assert_array_equal(ax.images[0].get_array(), expected)


def test_dense_figure_names_its_columns_and_axes():
    arrays, given = dense()
    figure = dense_figure(*arrays, **given)
    assert figure.get_suptitle() == "Darcy flow"
    assert [ax.get_title() for ax in panels(figure)[:4]] == [
        "input: coefficient",
        "truth: u0",
        "prediction",
        "error: prediction \N{MINUS SIGN} truth",
    ]
    assert {ax.get_xlabel() for ax in panels(figure)[-4:]} == {"column [grid points]"}


def test_truth_and_prediction_share_a_colour_scale_and_the_error_is_symmetric():
    (inputs, truths, predictions), given = dense()
    _, truth, prediction, error = panels(dense_figure(inputs, truths, predictions, **given))[:4]
    both = np.stack([truths[0, 0], predictions[0, 0]])
    assert truth.images[0].get_clim() == prediction.images[0].get_clim() == (both.min(), both.max())
    low, high = error.images[0].get_clim()
    assert -low == high == np.abs(both[1] - both[0]).max()


def test_points_that_are_not_judged_are_blank_and_have_no_say_in_the_scale():
    (inputs, truths, predictions), given = dense(n=1)
    truths[0, 0, 2:] = np.nan
    predictions[0, 0, 3, 3] = 1000
    _, *drawn = panels(draws(dense_figure(inputs, truths, predictions, **given)))
    for ax in drawn:
        np.testing.assert_array_equal(np.ma.getmaskarray(ax.images[0].get_array()), np.isnan(truths[0, 0]))
        assert ax.images[0].get_clim()[1] < 1000


def test_fields_along_one_axis_are_drawn_as_lines():
    (inputs, truths, predictions), given = dense(n=2, grid=(20,))
    truths[1, 0, 15:] = np.nan
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    rows = np.array(figure.axes).reshape(2, 3)
    assert rows[0, 1].get_title() == "u0: truth (solid), prediction (dashed)"
    assert {ax.get_xlabel() for ax in rows[-1]} == {"grid point"}
    masked = np.where(np.isnan(truths), np.nan, predictions)
    for row, sample in zip(rows, (0, 1), strict=True):
        solid, dashed = row[1].lines
        assert (solid.get_linestyle(), dashed.get_linestyle()) == ("-", "--")
        drawn = [row[0].lines[0], solid, dashed, row[2].lines[1]]
        wanted = [inputs[sample, 0], truths[sample, 0], masked[sample, 0], masked[sample, 0] - truths[sample, 0]]
        for line, expected in zip(drawn, wanted, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), expected)
        low, high = row[2].get_ylim()
        assert -low == high


@pytest.mark.parametrize("grid", [(20,), (6, 8)])
def test_of_several_channels_three_are_drawn_one_a_row(grid):
    (inputs, truths, predictions), given = dense(n=1, channels=4, grid=grid)
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    rows = np.array(panels(figure)).reshape(3, -1)
    assert [row[0].get_title() for row in rows] == ["input: coefficient", "input: x", "input: y"]
    assert [row[1].get_title() for row in rows] == [
        f"u{i}: truth (solid), prediction (dashed)" if len(grid) == 1 else f"truth: u{i}" for i in range(3)
    ]
    last = rows[2, 1]
    drawn = last.lines[0].get_ydata() if len(grid) == 1 else last.images[0].get_array()
    np.testing.assert_array_equal(drawn, truths[0, 2])


def test_long_headings_and_names_are_broken_into_lines():
    arrays, given = dense(n=1, title="a word " * 40, output_names=["the pressure of the fluid in a porous square"])
    figure = draws(dense_figure(*arrays, **given))
    assert max(map(len, figure.get_suptitle().splitlines())) <= 9 * 13
    assert panels(figure)[1].get_title().count("\n") == 1


@pytest.mark.parametrize("grid", [(20,), (6, 8)])
def test_an_exact_prediction_of_a_constant_field_and_a_field_that_is_nowhere_judged_can_be_drawn(grid):
    arrays, given = dense(n=1, grid=grid)
    for value in (1.0, np.nan):
        draws(dense_figure(arrays[0], np.full((1, 1, *grid), value), np.ones((1, 1, *grid)), **given))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truths": np.zeros((3, 1, 6, 7))}, "the same for truths and predictions"),
        ({"inputs": np.zeros((3, 1, 6))}, "expected \\(n, C, L\\) or \\(n, C, H, W\\)"),
        ({"captions": ["one"]}, "3 inputs, 3 truths and 1 captions"),
        ({"input_names": ["coefficient"]}, "3 input channels have 1 names"),
        ({"output_names": ["u", "v"]}, "1 output channels have 2 names"),
    ],
)
def test_fields_that_do_not_fit_are_refused(changes, message):
    arrays, given = dense(**changes)
    with pytest.raises(ValueError, match=message):
        dense_figure(*arrays, **given)


@pytest.mark.parametrize(("direction", "best"), [("lower", 3), ("higher", 2)])
def test_training_figure_marks_the_best_epoch(direction, best):
    history = [epoch(i, validation=v) for i, v in enumerate([0.5, 0.9, 0.1, None, 0.4], start=1)]
    figure = draws(training_figure(history, title="t", metric_title="AUROC", metric_direction=direction))
    left, right = figure.axes
    curve, star = right.lines
    np.testing.assert_array_equal(curve.get_ydata(), [0.5, 0.9, 0.1, np.nan, 0.4])
    assert star.get_xdata() == [best]
    assert star.get_ydata() == [history[best - 1]["validation"]]
    assert star.get_label().endswith(f"in epoch {best}")
    assert (right.get_ylabel(), left.get_xlabel(), right.get_xlabel()) == ("AUROC", "epoch", "epoch")
    assert right.get_title() == f"validation ({direction} is better)"


def test_training_figure_draws_every_loss_that_was_recorded_and_the_share_replaced():
    mixed = {"loss_target": 0.4, "loss_mixed_target": 0.5, "loss_source": 0.6}
    history = [
        epoch(1, k=30, **{"lambda": 0.75}, **mixed),
        epoch(2, k=10, **{"lambda": 0.25}, **mixed),
        epoch(3, k=0, **{"lambda": 0.0}, loss_target=0.3, loss_mixed_target=None, loss_source=None),
    ]
    figure = draws(training_figure(history, title="t", metric_title="m", metric_direction="lower"))
    left, right, twin = figure.axes
    losses = {line.get_label(): line.get_ydata() for line in left.lines}
    assert list(losses) == ["total", "target", "mixed, target label", "mixed, source label"]
    np.testing.assert_array_equal(losses["total"], [1, 1 / 2, 1 / 3])
    np.testing.assert_array_equal(losses["mixed, source label"], [0.6, 0.6, np.nan])
    assert left.get_yscale() == "log"
    np.testing.assert_array_equal(twin.patches[0].get_data().values, [0.75, 0.25, 0.0])
    np.testing.assert_array_equal(twin.patches[0].get_data().edges, [0.5, 1.5, 2.5, 3.5])
    assert "k/N" in twin.get_ylabel()
    assert [text.get_text() for text in right.texts] == ["no validation part"]


def test_plain_fine_tuning_has_neither_mixed_losses_nor_a_second_axis():
    figure = draws(training_figure([epoch(1)], title="t", metric_title="m", metric_direction="lower"))
    left, _ = figure.axes
    assert [line.get_label() for line in left.lines] == ["total"]


def test_losses_that_reach_zero_are_drawn_on_a_linear_scale():
    history = [epoch(1), epoch(2, loss=0.0)]
    figure = draws(training_figure(history, title="t", metric_title="m", metric_direction="lower"))
    assert figure.axes[0].get_yscale() == "linear"


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="no epoch"):
        training_figure([], title="t", metric_title="m", metric_direction="lower")


@pytest.mark.parametrize(("recorded", "shown"), [(1, 1), (5, 5), (20, 8)])
def test_replaced_figure_shows_at_most_eight_epochs_from_the_first_to_the_last(recorded, shown):
    replaced = np.random.default_rng(0).random((recorded, 6))
    epochs, fractions = list(range(10, 10 + recorded)), list(np.linspace(1, 0, recorded))
    figure = draws(replaced_figure(replaced, epochs=epochs, fractions=fractions, grid=(2, 3), title="wdbc"))
    maps = panels(figure)
    assert len(maps) == shown
    assert maps[0].get_title() == "epoch 10, k/N = 1.00"
    if recorded > 1:
        assert maps[-1].get_title() == f"epoch {epochs[-1]}, k/N = 0.00"
    for ax in maps:
        row = epochs.index(int(ax.get_title().split()[1].rstrip(",")))
        np.testing.assert_array_equal(ax.images[0].get_array(), replaced[row].reshape(2, 3))
        assert ax.images[0].get_clim() == (0, 1)


def test_tokens_in_a_row_become_one_image_of_epochs_by_tokens():
    replaced = np.random.default_rng(0).random((3, 7))
    figure = draws(replaced_figure(replaced, epochs=[1, 2, 5], fractions=[0.9, 0.5, 0.0], grid=(7,), title="wdbc"))
    (ax,) = panels(figure)
    np.testing.assert_array_equal(ax.images[0].get_array(), replaced)
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "epoch 1, k/N = 0.90",
        "epoch 2, k/N = 0.50",
        "epoch 5, k/N = 0.00",
    ]
    assert (ax.get_xlabel(), figure.get_suptitle()) == ("target token", "wdbc")


def test_replaced_shares_that_do_not_fit_the_grid_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 6\) for 2 epochs.*expected \(2, 9\)"):
        replaced_figure(np.zeros((2, 6)), epochs=[1, 2], fractions=[1, 0], grid=(3, 3), title="t")


def classified(classes, n=60):
    draw = np.random.default_rng(0)
    labels = np.arange(n) % classes
    scores = draw.random((n, classes)) + 0.5 * np.eye(classes)[labels]
    return scores / scores.sum(axis=1, keepdims=True), labels


def test_confusion_figure_counts_and_draws_the_curve_of_the_second_of_two_classes():
    probabilities, labels = classified(2)
    figure = draws(confusion_figure(probabilities, labels, class_names=["malignant", "benign"], title="wdbc"))
    matrix, roc = panels(figure)
    counts = [[((labels == t) & (probabilities.argmax(axis=1) == p)).sum() for p in (0, 1)] for t in (0, 1)]
    np.testing.assert_array_equal(matrix.images[0].get_array(), counts)
    assert [t.get_text() for t in matrix.get_yticklabels()] == ["malignant", "benign"]
    assert (matrix.get_xlabel(), matrix.get_ylabel()) == ("predicted class", "true class")
    area = roc_auc_score(labels, probabilities[:, 1])
    assert [line.get_label() for line in roc.lines] == [f"benign (AUC = {area:.2f})", "chance"]
    x, y = roc.lines[0].get_data()
    assert auc(x, y) == pytest.approx(area)


def test_a_class_without_samples_has_no_curve():
    probabilities, labels = classified(4)
    keep = labels != 2
    figure = draws(confusion_figure(probabilities[keep], labels[keep], class_names=list("abcd"), title="t"))
    assert [line.get_label()[0] for line in panels(figure)[1].lines[:-1]] == ["a", "b", "d"]


def test_many_classes_have_the_matrix_alone_as_shares_of_each_true_class():
    probabilities, labels = classified(40, n=200)
    figure = draws(confusion_figure(probabilities, labels, class_names=[f"class {i}" for i in range(40)], title="t"))
    (matrix,) = panels(figure)
    np.testing.assert_allclose(matrix.images[0].get_array().sum(axis=1), 1)
    assert [t.get_text() for t in matrix.get_xticklabels()][:2] == ["class 0", "class 2"]
    assert not matrix.texts


def test_long_class_names_are_cut():
    probabilities, labels = classified(2)
    figure = confusion_figure(probabilities, labels, class_names=["a" * 50, "b"], title="t")
    assert panels(figure)[0].get_yticklabels()[0].get_text() == "a" * 19 + "…"


def test_probabilities_that_do_not_fit_the_labels_are_refused():
    probabilities, labels = classified(3)
    with pytest.raises(ValueError, match=r"\(60, 3\) for 60 labels and 2 class names"):
        confusion_figure(probabilities, labels, class_names=["a", "b"], title="t")


def labelled(labels, n=80):
    draw = np.random.default_rng(0)
    truth = (draw.random((n, labels)) < 0.3).astype(int)
    return draw.normal(size=truth.shape) + truth, truth


def test_multilabel_figure_shows_auroc_and_average_precision_of_each_label_beside_chance():
    logits, labels = labelled(5)
    figure = draws(multilabel_figure(logits, labels, label_names=list("abcde"), title="FSD50K"))
    left, right = figure.axes
    order = np.argsort(roc_auc_score(labels, logits, average=None))
    (fair, areas), (shares, precisions) = left.lines, right.lines
    np.testing.assert_allclose(areas.get_xdata(), roc_auc_score(labels, logits, average=None)[order])
    np.testing.assert_allclose(precisions.get_xdata(), average_precision_score(labels, logits, average=None)[order])
    np.testing.assert_allclose(shares.get_xdata(), labels.mean(axis=0)[order])
    assert set(fair.get_xdata()) == {0.5}
    assert [t.get_text() for t in left.get_yticklabels()] == [list("abcde")[i] for i in order]
    assert (left.get_xlabel(), right.get_xlabel()) == ("AUROC", "average precision")


def test_many_labels_are_not_named_and_those_with_one_value_are_left_out_and_counted():
    logits, labels = labelled(60)
    labels[:, [3, 7]] = 0, 1
    figure = draws(multilabel_figure(logits, labels, label_names=["a"] * 60, title="t"))
    left, _ = figure.axes
    assert len(left.lines[1].get_xdata()) == 58
    assert "left out: 2" in left.get_ylabel()
    assert not left.get_yticklabels()


def test_labels_that_do_not_fit_or_never_differ_are_refused():
    logits, labels = labelled(5)
    with pytest.raises(ValueError, match="4 names"):
        multilabel_figure(logits, labels, label_names=list("abcd"), title="t")
    with pytest.raises(ValueError, match="each of 5 labels"):
        multilabel_figure(logits, labels * 0, label_names=list("abcde"), title="t")


def test_regression_figure_shows_agreement_and_errors_of_each_number():
    truth = np.random.default_rng(0).normal(size=(50, 2)) + 10
    prediction = 0.5 * truth + 1
    figure = draws(regression_figure(prediction, truth, names=["energy [eV]", "gap [eV]"], title="own data"))
    for row, i in zip(np.array(figure.axes).reshape(2, 2), (0, 1), strict=True):
        agreement, errors = row
        points, identity = agreement.lines
        np.testing.assert_array_equal(points.get_data(), [truth[:, i], prediction[:, i]])
        np.testing.assert_array_equal(*identity.get_data())
        assert agreement.get_xlim() == agreement.get_ylim()
        np.testing.assert_array_equal(errors.lines[0].get_ydata(), prediction[:, i] - truth[:, i])
        assert errors.lines[2].get_ydata()[0] == pytest.approx((prediction - truth)[:, i].mean())
    assert [ax.get_title() for ax in figure.axes[::2]] == ["energy [eV]", "gap [eV]"]


def test_a_cloud_of_many_points_is_drawn_as_counts():
    truth = np.random.default_rng(0).normal(size=(3000, 1))
    figure = draws(regression_figure(truth + 0.1, truth, names=["y"], title="t"))
    assert sum(panels(figure)[0].collections[0].get_array()) == 3000


def test_numbers_that_are_all_the_same_can_be_drawn_and_those_that_do_not_fit_not():
    draws(regression_figure(np.ones((4, 1)), np.ones((4, 1)), names=["y"], title="t"))
    with pytest.raises(ValueError, match="2 names"):
        regression_figure(np.ones((4, 1)), np.ones((4, 1)), names=["y", "z"], title="t")
