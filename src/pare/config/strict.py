"""The base of all configuration.

It refuses unknown keys, so that a misspelt option is an error and not a silent default.
"""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Base of all configuration: immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
