"""Typed configuration: tasks, sources, proxies, learners and the run that they make together."""

from pare.config.errors import PareError, unknown_name
from pare.config.library import Library
from pare.config.resolve import resolve
from pare.config.run import Run
from pare.config.schema import LearnerConfig, Source, Task

__all__ = ["LearnerConfig", "Library", "PareError", "Run", "Source", "Task", "resolve", "unknown_name"]
