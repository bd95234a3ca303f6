"""The card of a task: its data, the run that parameters make of it, and what that will cost."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from pare.cli.common import prediction_text, screen, speed_of_cpu
from pare.config import Run
from pare.config.estimate import DEVICES, estimate
from pare.config.resolve import hyperparameters


def print_card(run: Run, equal_rows: Sequence[str], device: str | None) -> None:
    """Print what is known of a task and its run.

    Args:
        run: the run.
        equal_rows: sentences on equal rows, where a model input counted them.
        device: an accelerator of `DEVICES` for which the cost is told; None: this machine's CPU.
    """
    task, console = run.task, screen()
    console.print(Text.assemble((run.task_name, "bold"), f": {task.title} ({task.suite})"))
    if task.description:
        console.print(task.description, highlight=False)
    card = Table(box=None, show_header=False)
    for name, value in (_data(run) | _learning(run)).items():
        card.add_row(name, value.strip())
    if equal_rows:
        card.add_row("equal rows", "; ".join(equal_rows))
    console.print(card, highlight=False)
    settings, fitted = Table("hyperparameter", "value", "from", box=None, header_style="bold"), _as_many_as_fit(run)
    for name, value in hyperparameters(run).items():
        text = "as many as fit" if name in fitted else f"{value:g}" if isinstance(value, float) else f"{value}"
        settings.add_row(name, text, run.provenance.get(name, "schema"))
    console.print(settings, highlight=False)
    if run.learner.kind == "transformer":
        cost = estimate(run, DEVICES[device].speed(run.training.precision) if device else speed_of_cpu(run))
        products = "by its data sheet, but for what small steps take besides their products"
        where = f"On one {DEVICES[device].title}, {products}" if device else "On this machine's CPU"
        console.print(f"\n{where}: {cost}.{cost.shorter}", highlight=False)
    elif run.minutes:
        console.print(f"\nFitting takes {run.minutes:g} minutes at most.", highlight=False)


def _data(run: Run) -> dict[str, str]:
    task, raw = run.task, run.task.raw.active
    return {
        "input": f"{'×'.join(map(str, task.input.shape))} {' '.join(task.input.channels)}",
        "prediction": f"{prediction_text(task)} {task.output.name}",
        "rows": ", ".join(f"{n} {part}" for part, n in task.samples.items()),
        "raw files": f"{raw.origin}{' (simulated)' if raw.simulated else ''}, {raw.url or 'no page'}",
        "licence": raw.licence,
        "paper": ", ".join(f"{method} {value:g}" for method, value in task.paper.items()) or "no figure",
    }


def _learning(run: Run) -> dict[str, str]:
    task = run.task
    facts = {
        "method": f"{run.method_name}: {run.learner.title}",
        "candidates": ", ".join(candidate.method_name for candidate in run.candidates),
        "loss, metric": f"{task.loss}, {task.metric}",
        "protocol, seed": f"{run.protocol}, {run.seed}",
    }
    if run.source and run.proxy:
        grid = "×".join(map(str, run.grid))
        what = f"one per {task.tokens.kind}{' of a picture' if run.grid != task.grid else ''}"
        if task.is_wide and run.start:
            what = f"the values of {task.input.shape[0]:,} columns that say most"
        facts |= {
            "tokens": f"{grid}, {what}",
            "start": _start(run),
            "source": f"{run.source_name}: {run.source.title}",
            "proxy": f"{run.proxy_name}: {run.proxy.title}",
        }
    return {name: fact for name, fact in facts.items() if fact}


def _start(run: Run) -> str:
    if run.start is None:
        return "random"
    if run.task.kind == "field":
        return f"convolutions around {max(run.start.layers)} of the encoder's layers; a ridge regression where it fits"
    layers = f"layer{'s' if len(run.start.layers) > 1 else ''} {', '.join(map(str, run.start.layers))}"
    return f"solved on {layers} of the encoder"


def _as_many_as_fit(run: Run) -> set[str]:
    """The hyperparameters that the minutes of a run decide."""
    training = run.training
    if not run.minutes:
        return set()
    return {"training.epochs"} | ({"training.members"} if training.member_epochs and training.members == 1 else set())
