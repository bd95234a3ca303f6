"""Typed configuration: tasks, sources, proxies, methods and the run that they make together."""

from pare.config.candidates import ChoiceRun, resolve_choice
from pare.config.errors import PareError, unknown_name
from pare.config.library import Library
from pare.config.resolve import resolve, resolve_baseline
from pare.config.run import BaselineRun, Run, TaskRun
from pare.config.schema import Method, Source, Task

__all__ = [
    "BaselineRun",
    "ChoiceRun",
    "Library",
    "Method",
    "PareError",
    "Run",
    "Source",
    "Task",
    "TaskRun",
    "resolve",
    "resolve_baseline",
    "resolve_choice",
    "unknown_name",
]
