"""That what is said of classes is true of the split that a run makes."""

import numpy as np
import pandas as pd
import pytest
import yaml

from pare.config.schema import Task
from pare.data.own.class_remarks import class_remarks
from pare.data.own.task_file import task_yaml
from pare.data.preparation import ModelInput
from pare.storage.store import ArrayStore
from users_files import NUMBERS, N, look, read_found, table

HIDES = "error hides them, since {} is wrong in {} % of rows. Say --metric auroc_ovo, or"


def remarks(paths, metric=None, **asked):
    found = look(paths, "kind", **asked)
    task = Task.model_validate(yaml.safe_load(task_yaml("mine", [str(path) for path in paths], found, metric))["mine"])
    return found, task, class_remarks(found, task)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"no": 980, "yes": 20}, f"20 of 1000 rows are yes: {HIDES.format('always saying no', 2)}"),
        ({"a": 500, "b": 490, "c": 10}, f"10 of 1000 rows are c: {HIDES.format('never saying so', 1)}"),
        ({"a": 960, "b": 20, "c": 20}, f"40 of 1000 rows are b or c: {HIDES.format('always saying a', 4)}"),
        ({"a": 600, "b": 300, "c": 100}, None),
        ({"no": 900, "yes": 100}, None),
    ],
)
def test_rare_classes_are_said_with_a_metric_that_shows_them(tmp_path, counts, said):
    kind = np.repeat([*counts], [*counts.values()])
    paths = [tmp_path / "t.csv"]
    pd.DataFrame({"kind": kind, "x": np.random.default_rng(0).normal(size=len(kind))}).to_csv(paths[0], index=False)
    *_, found = remarks(paths)
    assert [remark[: len(said or "")] for remark in found] == ([said] if said else [])
    assert remarks(paths, metric="auroc_ovo")[-1] == []


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (np.sort(np.arange(N) % 3), {"ordered": True}),
        (np.sort(np.arange(N) % 3), {"groups": "block"}),
        (np.where(np.arange(N) < N - 2, np.arange(N) % 2, np.arange(N) - N + 4), {}),
        (np.arange(N) % 3, {}),
    ],
)
def test_the_classes_that_a_part_lacks_are_those_of_the_prepared_input(tmp_path, kind, asked):
    names = np.array(["a", "b", "c", "d"])[kind]
    paths = table(tmp_path, kind=names, x=NUMBERS, block=np.arange(N) // 4)
    found, task, said = remarks(paths, **asked)
    ModelInput("mine", task, read_found(found, tmp_path), "", validated=True).write(tmp_path / "rows.h5")
    store, expected = ArrayStore(tmp_path / "rows.h5"), []
    for part, word in (("train", "training"), ("validation", "validation"), ("test", "test")):
        absent = sorted({*names} - {np.unique(names)[code] for code in store.rows(part).array("y")})
        expected += [f"no {word} row is of {', '.join(absent)}"] if absent else []
    facts = [fact for remark in said for fact in remark.rpartition(": ")[0].split("; ")]
    assert [fact for fact in facts if not fact.startswith("fewer than")] == expected
    if asked.get("ordered"):
        assert said[-1].endswith(": leave --ordered out, unless rows are in the order of time")


def test_a_split_that_is_not_possible_is_said_before_a_run(tmp_path):
    paths = table(tmp_path, kind=np.array(["a", "b"])[np.arange(N) % 2], x=NUMBERS, site=np.arange(N) // N)
    (said,) = remarks(paths, groups="site")[-1]
    assert said.startswith("cannot cut 12 test rows from 60 in 1 group")
