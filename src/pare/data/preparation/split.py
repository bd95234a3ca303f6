"""Which row goes to which part, the same for every seed of a run; and the fraction of training rows that is used."""

import warnings
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from pare.config.errors import PareError
from pare.config.schema import Task
from pare.config.split import SplitConfig
from pare.config.words import counted
from pare.data.preparation.equal_rows import EqualRows, different_rows

SPLIT_SEED = 0


def draw_rows(rows: int, share: float, seed: int) -> np.ndarray:
    """Numbers of the training rows that a run uses: all, or a random share of them that its seed decides.

    Returns:
        Numbers below ``rows``, ``(share × rows,)`` and at least one; ascending, since rows may have an order in time.
    """
    if share == 1:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).permutation(rows)[: max(1, round(share * rows))])


def divided(
    task: Task, equal: EqualRows, own: Mapping[str, np.ndarray], *, validated: bool
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What stays together of the rows of a task, and their splits.

    Equal test rows of the publisher's, or groups of them alone, are no reason to group the others. Over groups of the
    publisher's or the user's own, classes are not spread.

    Args:
        task: the task.
        equal: which rows have equal inputs, and their classes.
        own: number of the group of each row, by part; parts may have none.
        validated: whether there is a validation part.

    Returns:
        Number of what each row belongs to, by part, of parts in which not each row is on its own; and split of each
        row, by part, see `assign_parts`.
    """
    groups = dict(own)
    drawn = own.keys() - {"test"}  # a publisher's test part is used as it is: its groups decide nothing
    for part in task.samples.keys() - own.keys() - {"test"} if drawn else ():  # at most one: each row is on its own
        groups[part] = 1 + max(int(of_part.max()) for of_part in own.values()) + np.arange(task.samples[part])
    numbers = np.concatenate([numbers for part, numbers in equal.numbers.items() if part != "test"])
    if task.keeps_equal_rows_together and len(np.unique(numbers)) < len(numbers):
        groups = equal.groups(own)
    spread = task.split.stratified and not drawn
    labels = {part: equal.classes.get(part) if spread else None for part in task.samples}
    return groups, {
        part: assign_parts(task, part, labels[part], groups.get(part), validated=validated) for part in task.samples
    }


def assign_parts(
    task: Task, part: str, labels: np.ndarray | None, groups: np.ndarray | None = None, *, validated: bool
) -> np.ndarray:
    """Name the split of each row of one of the publisher's parts.

    The publisher's validation part is used as such, or added to the training rows under protocol paper.

    Args:
        task: the task; its ``split`` and ``samples`` say how.
        part: ``train``, ``validation``, ``test`` or ``all``.
        labels: class of each row, ``(rows,)``; None: classes do not count.
        groups: group of each row, ``(rows,)``; a group is never divided. With labels as well, a group counts as one row
            of the class of its first.
        validated: whether there is a validation part. For rows in order it is the last of the training rows.

    Returns:
        ``train``, ``validation`` or ``test`` per row, ``(rows,)``.

    Raises:
        PareError: where a class is too small to be split, or there are too few groups, or less of either than folds;
            where rows in order have groups.
    """
    if task.split.ordered and groups is not None:
        raise PareError(
            "the task has split.ordered, which cuts rows where they are, and groups, which stay whole; give one"
        )
    names = np.full(task.samples[part], "test" if part == "test" else "train", dtype="U10")  # type: ignore[index]
    if part == "validation" and validated:
        names[:] = "validation"
    rows = np.arange(len(names))
    cut = _cut_last if task.split.ordered else partial(_cut, labels=labels, groups=groups)
    if part == "all":
        if task.split.fold:
            rows = _hold_out(rows, names, task.split, labels, groups)
        else:
            rows = cut(rows, names, "test", task.n_test)
    if part in ("train", "all") and validated and "validation" not in task.samples:
        cut(rows, names, "validation", max(1, round(len(rows) * task.split.validation)))
    return names


def _cut_last(rows: np.ndarray, names: np.ndarray, name: str, n: int) -> np.ndarray:
    """Give the last ``n`` rows that name; return the others."""
    if n >= len(rows):
        raise PareError(f"cannot cut {n} {name} rows from {len(rows)}; change split in the task")
    names[rows[-n:]] = name
    return rows[:-n]


def _cut(
    rows: np.ndarray, names: np.ndarray, name: str, n: int, *, labels: np.ndarray | None, groups: np.ndarray | None
) -> np.ndarray:
    """Give ``n`` of the rows that name, or about as many where groups stay whole; return the others."""
    from sklearn.model_selection import GroupShuffleSplit, train_test_split  # noqa: PLC0415 - slow to import

    try:
        if groups is not None and labels is not None:
            rest, cut = _cut_different(rows, n, labels, groups)
        elif groups is not None:
            cutter = GroupShuffleSplit(n_splits=1, test_size=n / len(rows), random_state=SPLIT_SEED)
            rest, cut = (rows[part] for part in next(cutter.split(rows, groups=groups[rows])))
        else:
            strata = None if labels is None else labels[rows]
            rest, cut = train_test_split(rows, test_size=n, random_state=SPLIT_SEED, stratify=strata)
    except ValueError as error:
        whole, more = "", ""
        if groups is not None:
            whole = f" in {counted(len(np.unique(groups[rows])), 'group')}"
            more = ", in which equal_rows: apart divides equal rows"
        raise PareError(
            f"cannot cut {n} {name} rows from {len(rows)}{whole}: {error}; change split in the task{more}"
        ) from error
    names[cut] = name
    return np.sort(rest)


def _cut_different(rows: np.ndarray, n: int, labels: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """About ``n`` of the rows, in whole groups of which each counts as its first row, and the others before them."""
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    first = rows[different_rows(groups[rows])]
    share = max(1, round(n * len(first) / len(rows)))
    rest, cut = train_test_split(first, test_size=share, random_state=SPLIT_SEED, stratify=labels[first])
    return _rows_of(rest, rows, groups), _rows_of(cut, rows, groups)


def _rows_of(some: np.ndarray, rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Those of the rows that are of the groups of some."""
    return rows[np.isin(groups[rows], groups[some])]


def _hold_out(
    rows: np.ndarray, names: np.ndarray, split: SplitConfig, labels: np.ndarray | None, groups: np.ndarray | None
) -> np.ndarray:
    """Give the rows of a fold to the test part; return the others."""
    assert split.fold is not None
    _check_enough(rows, split.fold.folds, labels, groups)
    cuts = list(folds_of(rows, labels, groups, split.fold.folds, ordered=split.ordered))
    rest, held = cuts[split.fold.number - 1]
    names[held] = "test"
    return rest


def _check_enough(rows: np.ndarray, folds: int, labels: np.ndarray | None, groups: np.ndarray | None) -> None:
    """Refuse folds of which some would have no row, no group, or none of a class."""
    if labels is not None:
        some, what = (rows, "rows") if groups is None else (different_rows(groups), "different rows")
        fewest, what = int(np.unique(labels[some], return_counts=True)[1].min()), f"{what} of each class"
    elif groups is not None:
        fewest, what = len(np.unique(groups)), "groups of rows"
    else:
        fewest, what = len(rows), "rows"
    if fewest < folds:
        other = "" if labels is None else "; or set split.stratified: false"
        raise PareError(f"{folds} folds need at least as many {what}, found {fewest}; use fewer folds{other}")


def folds_of(
    rows: np.ndarray, labels: np.ndarray | None, groups: np.ndarray | None, folds: int, *, ordered: bool = False
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut rows into folds; gives the others and the fold, both in ascending order.

    Classes are spread evenly, where one has a row for each fold: the rows of a rarer class then lie in as many folds
    as it has rows. Groups stay whole, and there are no more folds than groups. With labels and groups, a group counts
    as one row of the class of its first.

    Args:
        rows: numbers of rows.
        labels: class of each row that there is, such as row 0; None: classes do not count.
        groups: group of each row that there is.
        folds: at least 2.
        ordered: whether a fold is rows one after the other, whatever their classes are.
    """
    from sklearn.model_selection import GroupKFold, KFold  # noqa: PLC0415

    if groups is not None and labels is not None:
        first = rows[different_rows(groups[rows])]
        for rest, held in folds_of(first, labels, None, min(folds, len(first)), ordered=ordered):
            yield _rows_of(rest, rows, groups), _rows_of(held, rows, groups)
        return
    own_labels = None if labels is None else labels[rows]
    rule = {"shuffle": True, "random_state": SPLIT_SEED}
    if groups is not None:
        own_groups = groups[rows]
        cuts = GroupKFold(min(folds, len(np.unique(own_groups))), **rule).split(rows, groups=own_groups)
    elif ordered:
        cuts = KFold(folds).split(rows)
    elif own_labels is not None and np.unique(own_labels, return_counts=True)[1].max() >= folds:
        cuts = _stratified(own_labels, folds)
    else:
        cuts = KFold(folds, **rule).split(rows)
    for rest, held in cuts:
        yield rows[rest], rows[held]


def _stratified(labels: np.ndarray, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedKFold  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(StratifiedKFold(folds, shuffle=True, random_state=SPLIT_SEED).split(labels, labels))
