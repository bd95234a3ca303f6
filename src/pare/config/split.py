"""The schema of how rows are split into training, validation and test rows."""

from typing import Any, Literal

from pydantic import Field, PositiveInt, SerializerFunctionWrapHandler, model_serializer, model_validator

from pare.config.strict import Strict


class FoldConfig(Strict):
    """One of the equal parts that all rows are cut into."""

    number: PositiveInt = Field(description="number of the fold, from 1")
    folds: int = Field(ge=2)

    @model_validator(mode="after")
    def _exists(self) -> "FoldConfig":
        if self.number > self.folds:
            raise ValueError(f"there is no fold {self.number} of {self.folds}")
        return self

    def __str__(self) -> str:
        return f"{self.number}/{self.folds}"


class SplitConfig(Strict):
    """How rows are split where the publisher does not, or not completely."""

    test: float | None = Field(default=None, gt=0, lt=1, description="fraction of rows; none: publisher's test part")
    validation: float = Field(default=0.1, gt=0, lt=1, description="fraction of the training rows")
    stratified: bool = False
    ordered: bool = Field(default=False, description="rows are in the order of time: the last ones are the test part")
    fold: FoldConfig | None = Field(default=None, description="the test part of a cross-validation; none: as test says")
    equal_rows: Literal["together", "apart"] | None = Field(
        default=None, description="whether rows of equal inputs stay in one part; none: yes, of own files"
    )

    @model_validator(mode="after")
    def _time_or_classes(self) -> "SplitConfig":
        if self.ordered and self.stratified:
            raise ValueError("split.ordered takes the last rows, whatever their classes are; set stratified: false")
        if self.ordered and self.equal_rows == "together":
            raise ValueError("split.ordered takes the last rows, whatever they equal; leave equal_rows out")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_used(self, serialised: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As before there were folds, order and equal rows, so that fingerprints stay the same."""
        unused = (("fold", None), ("ordered", False), ("equal_rows", None))
        return {name: value for name, value in serialised(self).items() if (name, value) not in unused}
