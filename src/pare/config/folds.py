"""Cross-validation: which fold of the rows of a user's own task is held out as its test part."""

import re
from collections.abc import Mapping
from typing import Any

from pare.config.errors import PareError
from pare.config.raw import OWN_FILES
from pare.config.run import FOLD
from pare.config.schema import FoldConfig, Task

WRITTEN = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)")  # 2/5: the second of five


def asked_fold(parameters: Mapping[str, Any]) -> FoldConfig | None:
    """The fold that ``fold=2/5`` asks for, the second of five; None where none is asked for.

    Raises:
        PareError: where it is written in another way, or there is no such fold.
    """
    text = parameters.get(FOLD)
    if not text and not isinstance(text, int):
        return None
    found = WRITTEN.fullmatch(str(text))
    number, folds = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= folds or folds < 2:
        raise PareError(f"fold must be one of at least two, such as 2/5, found {text!r}; folds=5 runs all five")
    return FoldConfig(number=number, folds=folds)


def with_fold(name: str, task: Task, parameters: Mapping[str, Any]) -> Task:
    """The task with the fold that the parameters ask for as its test part; as it is where they ask for none.

    Raises:
        PareError: where the task's test rows are not for the user to choose, or there are fewer rows than folds.
    """
    fold = asked_fold(parameters)
    if fold is None:
        return task
    if task.raw.origin != OWN_FILES:
        raise PareError(
            f"task {name!r} is published with its test rows, and results on others could not be compared with it; "
            "folds are for your own data. Use seeds=0-4"
        )
    if "all" not in task.samples:
        raise PareError(
            f"task {name!r} has test rows of its own (samples: {', '.join(task.samples)}), and folds would train on "
            "them; use seeds=0-4, or bring all rows as one part: samples: {all: …}"
        )
    if fold.folds > task.samples["all"]:
        raise PareError(f"task {name!r} has {task.samples['all']} rows, {fold.folds} folds need as many; use fewer")
    return task.model_copy(update={"split": task.split.model_copy(update={"fold": fold})})
