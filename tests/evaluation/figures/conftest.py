"""What all tests of figures ask."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def no_figure_leaks_into_pyplot():
    yield
    assert plt.get_fignums() == []
