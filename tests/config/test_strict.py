"""The base of all configuration: no unknown keys, no changes, one sentence for each mistake."""

import pytest
import yaml
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from pare.config import PareError
from pare.config.strict import Strict, validated


class Inner(Strict):
    """A part."""

    width: int = Field(gt=0)


class Outer(Strict):
    """A whole."""

    COMMON = ("name",)
    name: str
    inner: Inner | None = None
    parts: dict[str, Inner] = Field(default_factory=dict)
    minutes: PositiveFloat | None = None
    sizes: tuple[PositiveInt, ...] = ()
    told: bool = False
    value: bool | int = 0


def test_what_is_right_becomes_the_model_which_cannot_be_changed():
    outer = validated(Outer, "x", {"name": "a", "inner": {"width": 2}})
    assert outer == Outer(name="a", inner=Inner(width=2))
    with pytest.raises(ValidationError, match="frozen"):
        outer.name = "b"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "key 'x.name' is missing; add it to the configuration."),
        ({"name": "a", "inner": {"width": 0}}, "key 'x.inner.width': Input should be greater than 0, found 0."),
        (
            {"name": "a", "inner": {"widht": 1, "width": 1}},
            "key 'x.inner.widht' is unknown. Did you mean 'x.inner.width'?",
        ),
        ({"name": "a", "parts": {"b": {"width": 1, "c": 1}}}, "Known: x.parts.b.width. See `kedro tasks show`."),
        ({"name": "a", "nam": 1}, "Known: x.name and 6 for experts. See docs/parameters.md."),
    ],
)
def test_each_mistake_is_a_sentence_with_its_key(values, sentence):
    with pytest.raises(PareError) as caught:
        validated(Outer, "x", values)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("text", ["inner: {width: yes}", "minutes: on", "sizes: [3, yes]", "parts: {b: {width: no}}"])
def test_yes_and_no_are_not_the_numbers_1_and_0(text):
    with pytest.raises(PareError, match=r"(width|minutes|sizes): expected a number, found .*(True|False)"):
        validated(Outer, "x", {"name": "a", **yaml.safe_load(text)})


def test_yes_and_no_are_values_of_what_is_true_or_false():
    outer = validated(Outer, "x", {"name": "a", **yaml.safe_load("{told: yes, value: yes}")})
    assert outer.told is outer.value is True


def test_all_mistakes_are_told_at_once():
    with pytest.raises(PareError) as caught:
        validated(Outer, "x", {"inner": {"width": 0}})
    assert len(str(caught.value).splitlines()) == 2
