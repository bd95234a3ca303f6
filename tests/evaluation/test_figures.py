import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import auc, roc_auc_score

from pare.evaluation.figures import confusion_figure, dense_figure, replaced_figure, training_figure


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


def dense(n=9, **changes):
    draw = np.random.default_rng(0)
    truths = draw.normal(size=(n, 2, 6, 8))
    given = {
        "inputs": draw.normal(size=(n, 3, 5, 5)),
        "truths": truths,
        "predictions": truths + draw.normal(size=truths.shape),
        "title": "Darcy flow",
        "channel_names": ["coefficient", "x", "y"],
        "metric_title": "relative L2 error",
        "scores": draw.permutation(n) / 10,
    } | changes
    arrays = [given.pop(name) for name in ("inputs", "truths", "predictions")]
    return arrays, given


def epoch(number, **values):
    return {"epoch": number, "loss": 1.0 / number, "validation": None, "seconds": 1.0} | values


pytestmark = pytest.mark.filterwarnings("error::UserWarning")


def test_dense_figure_shows_the_best_median_ninetieth_percentile_and_worst_sample():
    (inputs, truths, predictions), given = dense(n=11, scores=[5, 3, 9, 0, 7, 1, 10, 2, 8, 4, 6])
    figure = draws(dense_figure(inputs, truths, predictions, **given))
    rows = np.array(panels(figure)).reshape(4, 4)
    assert [ax.get_ylabel().splitlines()[0] for ax in rows[:, 0]] == [
        "best: sample 3",
        "median: sample 0",
        "90th percentile: sample 2",
        "worst: sample 6",
    ]
    assert rows[3, 0].get_ylabel().splitlines()[1] == "relative L2 error 10"
    for row, sample in zip(rows, (3, 0, 2, 6), strict=True):
        shown = [ax.images[0].get_array() for ax in row]
        truth, prediction = truths[sample, 0], predictions[sample, 0]
        for drawn, expected in zip(shown, (inputs[sample, 0], truth, prediction, prediction - truth), strict=True):
            np.testing.assert_array_equal(drawn, expected)


def test_dense_figure_names_its_columns_and_axes():
    arrays, given = dense()
    figure = dense_figure(*arrays, **given)
    assert figure.get_suptitle() == "Darcy flow"
    assert [ax.get_title() for ax in panels(figure)[:4]] == [
        "input: coefficient",
        "truth",
        "prediction",
        "error: prediction \N{MINUS SIGN} truth",
    ]
    assert {ax.get_xlabel() for ax in panels(figure)[-4:]} == {"column [grid points]"}


def test_truth_and_prediction_share_a_colour_scale_and_the_error_is_symmetric():
    (inputs, truths, predictions), given = dense()
    _, truth, prediction, error = panels(dense_figure(inputs, truths, predictions, **given))[:4]
    best = int(np.argmin(given["scores"]))
    both = np.stack([truths[best, 0], predictions[best, 0]])
    assert truth.images[0].get_clim() == prediction.images[0].get_clim() == (both.min(), both.max())
    low, high = error.images[0].get_clim()
    assert -low == high == np.abs(both[1] - both[0]).max()


@pytest.mark.parametrize(("n", "roles"), [(1, ["best"]), (2, ["best", "worst"]), (3, ["best", "median", "worst"])])
def test_a_few_samples_are_shown_once_each(n, roles):
    arrays, given = dense(n=n)
    labels = [ax.get_ylabel() for ax in panels(dense_figure(*arrays, **given))[::4]]
    assert [label.split(":")[0] for label in labels] == roles


def test_an_exact_prediction_of_a_constant_field_can_be_drawn():
    arrays, given = dense(n=1)
    constant = np.ones((1, 1, 6, 8))
    draws(dense_figure(arrays[0], constant, constant, **given))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truths": np.zeros((9, 2, 6, 7))}, "the same for truths and predictions"),
        ({"scores": [1.0]}, "9 inputs, 9 truths and 1 scores"),
        ({"channel_names": ["coefficient"]}, "3 input channels have 1 names"),
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
