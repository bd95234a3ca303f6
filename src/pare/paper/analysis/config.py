"""What the analysis of a trained model looks at, and how closely."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from pare.config.strict import Strict, validated

Share = Annotated[float, Field(ge=0, le=1)]


class AnalysisConfig(Strict):
    """Section ``analyse`` of the parameters."""

    compared: str | None = Field(description="method whose loss landscape is drawn next to the run's; none: no other")
    rows: int = Field(ge=20, description="samples of either modality in distances, maps and scores")
    shares: list[Share] = Field(min_length=2, description="shares k/N of the tokens that are replaced")
    landscape_rows: int = Field(ge=1, description="training rows whose loss is computed")
    landscape_points: int = Field(ge=3, description="along each direction, an odd number")
    landscape_reach: float = Field(gt=0, description="how far the plane reaches, in filter norms")

    @field_validator("landscape_points")
    @classmethod
    def _odd(cls, points: int) -> int:
        if points % 2 == 0:
            raise ValueError(f"the middle point is the model itself: an odd number was expected, found {points}")
        return points


def analysis_config(values: Mapping[str, Any]) -> AnalysisConfig:
    """The section, checked; PareError for an unknown key or a value of the wrong type."""
    return validated(AnalysisConfig, "analyse", values)
