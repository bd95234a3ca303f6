"""The page that lists all tasks, docs/tasks.md, made from their YAML."""

import re

from pare.config.library import Library
from pare.config.schema import Task
from pare.data.registries import find_origin
from pare.paper.report.paper_tables import grid

HEADER = """# The tasks

Made from conf/base/tasks and conf/paper/tasks by `kedro paper pages`; a test compares the two.
`kedro tasks show NAME` tells all of one task, with its resolved hyperparameters. `kedro tasks --env paper show NAME`
tells those of the paper.

*Rows* are those used of the publisher's files. *Files* say where `base` takes them from; where that is a simulation,
`--env paper` downloads the publisher's. The paper's figures are those of PaRe, ORCA and plain fine-tuning (NFT), in the
unit of the metric."""
FIRST = re.compile(r".+?(?:\.(?= [A-Z0-9])|$)", re.DOTALL)  # first sentence
FIGURES = {"pare": "PaRe", "orca": "ORCA", "finetune": "NFT"}


def tasks_page(library: Library) -> str:
    """Markdown of all tasks: one table a suite, then what each task is and where we differ."""
    tasks = {name: library.task(name) for name in library.tasks}
    parts = [HEADER]
    for suite in sorted({task.suite for task in tasks.values()}, key=str.casefold):
        members = {name: task for name, task in sorted(tasks.items()) if task.suite == suite}
        parts += [f"## {suite} ({len(members)})", _table(members), *_notes(members)]
    return "\n\n".join(parts) + "\n"


def _table(tasks: dict[str, Task]) -> str:
    head = ["task", "input", "prediction", "rows", "loss", "metric", *FIGURES.values(), "files in base"]
    rows = [head]
    for name, task in tasks.items():
        figures = [f"{task.paper[method]:g}" if method in task.paper else "" for method in FIGURES]
        rows.append(
            [
                f"`{name}`",
                "×".join(map(str, task.input.shape)),
                f"{task.output.kind} {'×'.join(map(str, task.output.shape))}",
                ", ".join(f"{count} {part}" for part, count in task.samples.items()),
                task.loss,
                task.metric + (f" ({task.paper_metric})" if task.paper_metric else ""),
                *figures,
                _files(task),
            ]
        )
    return grid(rows)


def _files(task: Task) -> str:
    raw = task.raw.active
    kind = "simulated" if raw.simulated else "download" if find_origin(raw.origin).needs_network else "in a package"
    return f"[{kind}]({raw.url})" if raw.url else kind


def _notes(tasks: dict[str, Task]) -> list[str]:
    """One paragraph a task; tasks that share a description share the paragraph."""
    shared: dict[str, list[str]] = {}
    for name, task in tasks.items():
        licences = dict.fromkeys(entry.licence for entry in task.raw.origins.values())
        text = f"{FIRST.match(task.description)[0]} Licence: {'; or '.join(licences)}."  # type: ignore[index]
        shared.setdefault(text, []).append(f"**{name}**, {task.title}")
    return [f"{'; '.join(names)}. {text}" for text, names in shared.items()]
