import numpy as np
import pytest

from drawn_figures import draws, panels
from pare.evaluation.figures import regression_figure


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
