import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from drawn_figures import draws, panels
from pare.evaluation.figures.scalars import confusion_figure, multilabel_figure, regression_figure


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


def test_multilabel_figure_shows_auroc_and_average_precision_of_each_label_and_chance():
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
