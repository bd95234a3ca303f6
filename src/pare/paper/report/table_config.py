"""The paper's tables as the report shows them: its figures, and our method for each row."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from pare.config.errors import unknown_name
from pare.config.library import Library
from pare.config.strict import Strict, validated

NAME = r"^[a-z0-9_]+$"


class Column(Strict):
    """A task, or a variant of its runs such as one on fewer rows; in YAML the task's name alone is enough."""

    task: str
    variant: str = Field(default="", description="name of the runs with values of their own")
    title: str = Field(default="", description="heading; none: the task's name")

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"task": value} if isinstance(value, str) else value

    @property
    def heading(self) -> str:
        """Heading of the column."""
        return self.title or self.task


class Row(Strict):
    """A row of the paper's table, and our method for it."""

    paper: str = Field(description="the paper's name of the row")
    method: str | None = Field(default=None, description="our method; none: quoted only")
    variant: str = Field(default="", description="name of the runs with values of their own")
    figures: list[float | None] | None = Field(default=None, description="the paper's, one a column; none: ours only")

    @model_validator(mode="after")
    def _says_something(self) -> "Row":
        if self.method is None and self.figures is None:
            raise ValueError(f"row {self.paper!r} has neither a method nor figures")
        return self


class Summary(Strict):
    """A table made of another: how often a row is best, its mean, and its mean difference from one row."""

    name: str = Field(pattern=NAME, description="name of the summary's files")
    title: str
    baseline: str = Field(description="the row, by its name in the paper, that the others are subtracted from")


class PaperTable(Strict):
    """A table: rows are methods, columns are tasks."""

    title: str
    note: str = ""
    columns: list[Column]
    rows: list[Row]
    summary: Summary | None = None
    profile: str = Field(default="", description="name of the figure that the paper makes of its figures, if it does")

    @model_validator(mode="after")
    def _parts_agree(self) -> "PaperTable":
        for row in self.rows:
            if row.figures is not None and len(row.figures) != len(self.columns):
                raise ValueError(f"row {row.paper!r} has {len(row.figures)} figures for {len(self.columns)} columns")
            if row.variant and any(column.variant for column in self.columns):
                raise ValueError(f"row {row.paper!r} and columns both name a variant; only one can")
        names = [row.paper for row in self.rows]
        if len(set(names)) < len(names):
            raise ValueError(f"rows need names of their own, found {', '.join(names)}")
        if self.summary and self.summary.baseline not in names:
            raise ValueError(f"summary.baseline {self.summary.baseline!r} is none of the rows: {', '.join(names)}")
        return self


class ReportConfig(Strict):
    """What the report shows."""

    reference: str = Field(description="the method that all others are compared with")
    tables: dict[Annotated[str, Field(pattern=NAME)], PaperTable]

    @field_validator("tables")
    @classmethod
    def _names_are_unique(cls, tables: dict[str, PaperTable]) -> dict[str, PaperTable]:
        summaries = [table.summary.name for table in tables.values() if table.summary]
        if doubled := [name for name in summaries if name in tables or summaries.count(name) > 1]:
            raise ValueError(f"summary.name {doubled[0]!r} is another table's name")
        return tables


def report_config(values: Mapping[str, Any], library: Library) -> ReportConfig:
    """What report.yml says, every name in it checked.

    Args:
        values: the content of report.yml.
        library: tasks and learners.

    Raises:
        PareError: for an unknown task, method or key, or a value of the wrong type.
    """
    config = validated(ReportConfig, "report", values)
    known = {*library.learners}
    named = [config.reference, *(row.method for table in config.tables.values() for row in table.rows)]
    for name in named:
        if name is not None and name not in known:
            raise unknown_name("method", name, known, "`kedro methods`")
    for table in config.tables.values():
        for column in table.columns:
            library.task(column.task)
    return config
