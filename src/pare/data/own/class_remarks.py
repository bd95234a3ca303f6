"""What a first look says of classes: those that an error hides, and those of which a part has too few rows or none."""

from collections.abc import Mapping

import numpy as np

from pare.config.errors import PareError
from pare.config.schema import DEFAULTS, Task
from pare.config.words import counted, listed
from pare.data.own.findings import Inspection
from pare.data.preparation.split import divided

FEW_ROWS = 5  # rows of a class that are few
RARE = 5  # times fewer rows than if all classes had as many: an error says little of such a class
PARTS = {"train": "training", "validation": "validation", "test": "test"}


def class_remarks(found: Inspection, task: Task) -> list[str]:
    """A sentence on each thing that a user should know of the classes; none where no class is predicted.

    Args:
        found: what was found in the files.
        task: the task that was made of it.
    """
    if not found.classes:
        return []
    is_hiding = task.metric == DEFAULTS["classification"]["metric"]
    said = (_hidden(found.classes) if is_hiding else None, _scarce(found, task))
    return [remark for remark in said if remark]


def _hidden(classes: Mapping[str, int]) -> str | None:
    """Classes that have rows enough, and are so rare that hardly a row is wrong where they are never predicted."""
    rows = sum(classes.values())
    rare = [name for name, count in classes.items() if FEW_ROWS <= count < rows / (RARE * len(classes))]
    if not rare:
        return None
    usual = max(classes, key=classes.__getitem__)
    constant = f"always saying {usual}" if len(rare) == len(classes) - 1 else "never saying so"
    count = sum(classes[name] for name in rare)
    return (
        f"{count} of {rows} rows are {' or '.join(rare) if len(rare) < 3 else listed(rare)}: error hides them, since "
        f"{constant} is wrong in {100 * count / rows:.2g} % of rows. Say --metric auroc_ovo, or --metric "
        "one_minus_balanced_accuracy, which counts all classes alike"
    )


def _scarce(found: Inspection, task: Task) -> str | None:
    """Classes with so few rows that little can be learnt of them, and those of which a part has none."""
    classes = found.classes or {}
    few = {name: f"{name} ({counted(count, 'row')})" for name, count in classes.items() if count < FEW_ROWS}
    try:
        absent = _absent(found, task)
    except PareError as error:  # a run refuses the split as well
        return str(error)
    facts = [f"fewer than {FEW_ROWS} rows: {listed([*few.values()])}"] if few else []
    facts += [f"no {part} row is of {listed(names)}" for part, names in absent.items() if names]
    cure = "bring more rows, or join classes"
    if found.ordered and any(set(names) - set(few) for names in absent.values()):
        cure = "leave --ordered out, unless rows are in the order of time"
    return f"{'; '.join(facts)}: {cure}" if facts else None


def _absent(found: Inspection, task: Task) -> dict[str, list[str]]:
    """Classes of which the split leaves a part no row; none where classes of rows are not known yet."""
    if found.equal is None:
        return {}
    _, names = divided(task, found.equal, found.groups, validated=True)
    classes, codes = list(found.classes or {}), np.concatenate(list(found.equal.classes.values()))
    splits = np.concatenate([names[part] for part in found.equal.classes])
    return {
        word: [classes[code] for code in np.setdiff1d(np.arange(len(classes)), codes[splits == part])]
        for part, word in PARTS.items()
    }
