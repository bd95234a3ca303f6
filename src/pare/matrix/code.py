"""The code behind a stage of dvc.yaml: every module that it imports, read and digested without its words."""

import ast
import io
import tokenize
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pare.storage.fingerprint import fingerprint

PACKAGE = __name__.partition(".")[0]
# What it says reaches a stage as values, which are digested apart; else a new key would repeat every run.
LEFT_OUT = (f"{PACKAGE}.config",)


def code_digest(*modules: str, left_out: Sequence[str] = LEFT_OUT) -> str:
    """Digest of modules and all that they import of this package; docstrings, comments and blank lines do not count.

    Args:
        modules: dotted names.
        left_out: packages whose code does not count.
    """
    return fingerprint({name: _statements(name) for name in sorted(imported_modules(*modules, left_out=left_out))})


def imported_modules(*modules: str, left_out: Sequence[str] = LEFT_OUT) -> set[str]:
    """Modules of this package that modules import, themselves and their packages included, some packages left out.

    They are found in the sources: nothing is imported.
    """
    found: set[str] = set()
    left, packages = list(modules), tuple(f"{package}." for package in left_out)
    while left:
        name = left.pop()
        if name in found or f"{name}.".startswith(packages) or _source(name) is None:
            continue
        found.add(name)
        package = name.rpartition(".")[0]
        left += [*_imports(name), *([package] if package != PACKAGE else [])]
    return found


@cache
def _source(module: str) -> str | None:
    """The text of a module; None where the name is something else."""
    place = files(PACKAGE).joinpath(*module.split(".")[1:])
    candidates = (place / "__init__.py", files(PACKAGE).joinpath(*module.split(".")[1:-1]) / f"{place.name}.py")
    return next((path.read_text(encoding="utf-8") for path in candidates if path.is_file()), None)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """What a module imports of this package: modules, and names that may be modules."""
    found: list[str] = []
    for node in ast.walk(ast.parse(_source(module) or "")):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.startswith(f"{PACKAGE}.")]
        elif isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{PACKAGE}."):
            found += [str(node.module), *(f"{node.module}.{name.name}" for name in node.names)]
    return tuple(found)


@cache
def _statements(module: str) -> str:
    """The text of a module without docstrings, comments and blank lines."""
    text = _source(module) or ""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno, node.body[0].end_lineno or 0
            lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())
