"""The schema of raw files: where they come from."""

from typing import Any

from pydantic import Field, model_validator

from pare.config.strict import Strict

OWN_FILES = "own_files"


class RawConfig(Strict):
    """Where files come from: a publisher, a package, or a simulator of this project."""

    origin: str = Field(description="name of the function that brings the files, see pare.data.registries")
    options: dict[str, Any] = Field(default_factory=dict, description="arguments of that function")
    licence: str = Field(description="licence of the files, in words")
    url: str | None = Field(default=None, description="the publisher's page")
    simulated: bool = Field(default=False, description="true where the files are computed, not observed")

    def decisive(self) -> dict[str, Any]:
        """What decides the files, in words; a user's own decide by their content, wherever they lie."""
        return {"origin": self.origin} | ({} if self.origin == OWN_FILES else {"options": self.options})


class RawEntry(Strict):
    """One origin of a task's raw files; see `RawConfig`."""

    options: dict[str, Any] = Field(default_factory=dict)
    licence: str
    url: str | None = None
    simulated: bool = False


class RawOrigins(Strict):
    """All configured origins of a task's raw files, and the active one; an environment may have another active one.

    A user's own files need no more than ``files: [path, …]``, also instead of the origins of a listed task.
    """

    origin: str = Field(description="the active origin, one of `origins`")
    origins: dict[str, RawEntry]

    @property
    def active(self) -> RawConfig:
        """The active origin."""
        return RawConfig(origin=self.origin, **self.origins[self.origin].model_dump())

    @model_validator(mode="before")
    @classmethod
    def _files_of_the_user(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "files" not in values:
            return values
        said = {key: value for key, value in values.items() if key not in ("files", "origin", "origins")}
        own = {"licence": "the user's own", "options": {"files": values["files"]}} | said
        return {"origin": OWN_FILES, "origins": values.get("origins", {}) | {OWN_FILES: own}}

    @model_validator(mode="after")
    def _origin_is_described(self) -> "RawOrigins":
        if self.origin not in self.origins:
            raise ValueError(f"origin {self.origin!r} has no entry in origins: {', '.join(self.origins)}")
        return self
