"""Typed configuration: tasks, sources, proxies, methods and the run that they make together."""

from pare.config.errors import PareError, unknown_name
from pare.config.resolve import Library, resolve
from pare.config.schema import Method, Run, Source, Task

__all__ = ["Library", "Method", "PareError", "Run", "Source", "Task", "resolve", "unknown_name"]
