"""The page of all parameters."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from pare.config.hyperparameters import TrainingConfig
from pare.paper.pages.parameters import SECTIONS, schema_page

PAGE = Path(__file__).parents[3] / "docs" / "parameters.md"
GIVEN = {"epochs": 1, "batch_size": 1, "learning_rate": 0.1}


def rows(parameters, title):
    """Cells of the table of a section by its key."""
    (section,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", schema_page(parameters), re.M | re.S)
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {key.strip("`"): rest for key, *rest in cells}


def test_the_page_in_the_docs_is_the_one_that_the_schema_makes(parameters):
    assert PAGE.read_text() == schema_page(parameters), "run: kedro paper pages"


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_of_a_section_is_there(parameters, title):
    known = {key.partition(".")[0] for key in rows(parameters, title)}
    assert known == set(SECTIONS[title].model_fields)


def test_bounds_are_those_that_the_schema_keeps(parameters):
    found = rows(parameters, "training")
    assert found["momentum"][0] == "number ≥ 0, < 1"
    for momentum, fits in ((0, True), (0.999, True), (1, False), (-0.001, False)):
        if fits:
            TrainingConfig(**GIVEN, momentum=momentum)
        else:
            with pytest.raises(ValidationError):
                TrainingConfig(**GIVEN, momentum=momentum)


def test_defaults_are_those_of_the_parameters_and_else_of_the_schema(parameters):
    found = rows(parameters, "training")
    assert found["epochs"][1] == f"`{parameters['training']['epochs']}`"
    assert found["momentum"][1] == f"`{TrainingConfig(**GIVEN).momentum}`"
    assert rows(parameters, "mixing")["start"][1] == "needed"
    assert "input.shape" in rows(parameters, "A task (conf/base/tasks)")


def test_common_keys_of_the_training_come_before_those_for_experts(parameters):
    names = [*rows(parameters, "training")]
    assert names[: len(TrainingConfig.COMMON)] == [*TrainingConfig.COMMON]
    common, experts = schema_page(parameters).split("### training, for experts")
    assert "| `epochs` |" in common and "| `momentum` |" in experts.partition("## mixing")[0]
