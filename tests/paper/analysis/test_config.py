"""Parameters of the analysis."""

import pytest

from pare.config import PareError
from pare.paper.analysis.config import analysis_config


@pytest.mark.parametrize(
    ("change", "words"),
    [({"rws": 3}, "analyse.rws"), ({"landscape_points": 4}, "odd"), ({"shares": [0, 2]}, "analyse.shares.1")],
)
def test_a_mistake_in_the_parameters_names_the_key(parameters, change, words):
    with pytest.raises(PareError, match=words):
        analysis_config(parameters["analyse"] | change)


def test_the_shipped_parameters_are_valid(parameters):
    assert analysis_config(parameters["analyse"]).compared == "finetune"
