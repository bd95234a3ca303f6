"""What a first look says of columns of tables: which are of no use, numbered, or tell the answer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from unicodedata import category, normalize

import numpy as np
import pandas as pd

from pare.config.words import counted, listed
from pare.data.formats.dates import all_times
from pare.data.formats.delimited_text import called_by_place
from pare.data.formats.table_files import present_text
from pare.data.own.columns import FEW_ROWS, is_text, numbers_and_words
from pare.data.own.findings import Question, are_classes
from pare.data.own.row_order import order_remark

LEAST_UNITS, ROWS_OF_A_UNIT = 5, 3  # a column that may say which rows belong together: units, mean rows of one
NUMBERED = re.compile(r"(.*?)([+-]?\d+(?:\.\d+)?)(\D*)")
LEAST_POINTS, ALIKE, ROWS_COMPARED = 20, 0.8, 1000  # points, correlation of neighbours, rows that are looked at
FOLLOWS = 0.999  # rank correlation from which on a column says what the target says
NEARLY_FOLLOWS = 0.98  # rank correlation of `ROWS_COMPARED` rows, below which the others are not looked at
MOST_CODES, LEAST_REPEATS = 3, 3  # numbers of a column that mean missing, such as -998 and -999, and rows of each
LEAST_OTHERS = 3  # numbers without which there is nothing to be far from


def nameless_columns(free: pd.DataFrame, rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The first column where it has no name and numbers or names rows, and remarks on columns without a name.

    Args:
        free: columns whose use is open.
        rows: rows of one table.
    """
    names, first = [name for name in called_by_place(rows) if name in free], rows.iloc[:, 0]
    tells_rows = (
        first.dtype.kind in "iuO"
        and first.nunique() == len(first)
        and not (is_text(first) and all_times(first) is not None)
    )
    left_out = names[:1] if tells_rows and names[:1] == [first.name] else []
    remarks = []
    if left_out:
        remarks.append("the first column has no name and another value in each row, as row numbers do: left out")
    if others := names[len(left_out) :]:
        remarks.append(f"without a name in the file, called by their place: {listed(others)}")
    return left_out, remarks


def numbers_in_place(frame: pd.DataFrame) -> tuple[dict[str, pd.Series], dict[str, pd.Series]]:
    """Columns of text that are numbers but for words for a missing value: the numbers, and these words."""
    numbers: dict[str, pd.Series] = {}
    found: dict[str, pd.Series] = {}
    for name in map(str, frame):
        if is_text(frame[name]):
            text, words = numbers_and_words(present_text(frame[name]))
            if len(words):
                numbers[name], found[name] = pd.to_numeric(text).reindex(frame.index), words
    return numbers, found


def useless_columns(free: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Columns without a value or with the same one in every row, and a remark on them."""
    empty, constant = [], []
    for name in map(str, free):
        known = present_text(free[name]) if is_text(free[name]) else free[name].dropna()
        levels = known.nunique()
        if levels == 0:
            empty.append(name)
        elif levels == 1 and len(known) == len(free):  # else a missing value may say something, such as an empty box
            constant.append(name)
    said = {"without a value": empty, "the same in every row": constant}
    parts = [f"{counted(len(names), 'column')} {what} ({listed(names)})" for what, names in said.items() if names]
    return [*empty, *constant], [f"left out: {', '.join(parts)}"] if parts else []


def remarks_on(
    free: pd.DataFrame,
    frame: pd.DataFrame,
    question: Question,
    missing: Mapping[str, pd.Series],
    categories: Mapping[str, pd.Series],
    *,
    is_order_open: bool,
) -> Iterator[str]:
    """What words for a missing value are taken for, and what columns may be but features; the user knows.

    Args:
        free: columns that may be features.
        frame: all columns.
        question: what is to be predicted.
        missing: words that are read as missing, by the column that has them.
        categories: those that are categories.
        is_order_open: whether nothing else says what the order of rows is, or which are test rows.
    """
    for word, where in _by_word(missing):
        yield f"{word!r} is read as missing in {where}"
    for word, where in _by_word(categories):
        yield f"{word!r} is a category in {where}; --missing {quote(word)} makes it missing"
    if name := next((str(name) for name in free if _numbers_rows(free[name])), None):
        yield f"{name} rises by one from row to row; if it is a number of the row, say --ignore {name}"
    if not {*question.target} <= {*frame}:
        return  # the reader refuses it
    target = ", ".join(question.target)
    answer = frame.groupby([*question.target], dropna=False, observed=True).ngroup()
    if copies := [str(name) for name in free if _says_all(free[name], answer)]:
        yield f"{listed(copies)} says the same as {target} in other words; {_unless_known(copies)}"
    elif copies := followers(free, frame[[*question.target]]):
        yield f"{listed(copies)} orders the rows as {target} does; {_unless_known(copies)}"
    others = free.drop(columns=copies)
    if not question.groups and (unit := _unit(others, answer)):
        yield (
            f"all rows of one {unit} have the same {target}; where such rows belong together, say --groups {unit}, or "
            f"--series {unit} where each is a point of a series"
        )
    elif is_order_open and (remark := _order(others, frame[[*question.target]])):
        yield remark
    yield from stand_ins(free)
    if points := look_like_points(free):
        yield f"{points[0]} to {points[-1]} look like the points of a series; if they are, say --wide"


def _order(free: pd.DataFrame, targets: pd.DataFrame) -> str | None:
    """What to say of the order of the rows that have an answer."""
    known = targets.notna().all(axis=1)
    targets = targets[known]
    are_numbers = all(targets[name].dtype.kind in "iuf" for name in targets)
    if are_numbers and not (targets.shape[1] == 1 and len(targets) and are_classes(targets.iloc[:, 0].to_numpy())):
        return order_remark(free[known], targets.to_numpy(np.float64))
    return order_remark(free[known], targets.groupby([*targets], observed=True).ngroup().to_numpy())


def _unless_known(names: Sequence[str]) -> str:
    return f"if new rows do not have it, say {' '.join(f'--ignore {quote(name)}' for name in names)}"


def _by_word(words: Mapping[str, pd.Series]) -> Iterator[tuple[str, str]]:
    """Each word, and which columns have it in how many rows."""
    found: dict[str, list[str]] = {}
    for name, texts in words.items():
        for word, rows in texts.value_counts().items():
            found.setdefault(str(word), []).append(f"{name} ({counted(rows, 'row')})")
    return ((word, listed(names)) for word, names in found.items())


def _numbers_rows(column: pd.Series) -> bool:
    """Whether whole numbers rise by one from row to row."""
    return column.dtype.kind in "iu" and len(column) > FEW_ROWS and bool((column.diff().iloc[1:] == 1).all())


def _says_all(column: pd.Series, answer: pd.Series) -> bool:
    """Whether each value goes with one of several repeated answers, and each answer with one value."""
    if not 1 < answer.nunique() <= len(answer) / ROWS_OF_A_UNIT:
        return False
    values = column.groupby(column, dropna=False, observed=True).ngroup()
    return values.nunique() == answer.nunique() == len(pd.unique(values * answer.nunique() + answer))


def _unit(free: pd.DataFrame, answer: pd.Series) -> str | None:
    """A column such as the number of a patient: far more values than answers, several rows of each, and one answer."""
    least = max(LEAST_UNITS, 2 * answer.nunique() + 1)
    most = len(free) / ROWS_OF_A_UNIT
    repeated = (name for name in free if free[name].dtype.kind != "f" and least <= free[name].nunique() <= most)
    return next((str(name) for name in repeated if answer.groupby(free[name]).nunique().max() == 1), None)


def numbered_run(names: Sequence[str]) -> list[str]:
    """The longest run of names that differ in one number, which always rises or always falls."""
    longest: list[str] = []
    run: list[str] = []
    for name in names:
        if not _goes_on([*run[-2:], name]):
            run = run[-1:] if _goes_on([*run[-1:], name]) else []
        run = [*run, name]
        longest = max(longest, run, key=len)
    return longest


def look_like_points(frame: pd.DataFrame) -> list[str]:
    """The numbered columns, where they are most of a table and neighbours are alike, as in series; else none.

    Args:
        frame: columns that have no other use.
    """
    run = numbered_run([str(name) for name in frame])
    if len(run) < max(LEAST_POINTS, frame.shape[1] / 2) or any(frame[name].dtype.kind not in "iuf" for name in run):
        return []
    values = frame[run].head(ROWS_COMPARED).to_numpy(np.float64)
    left, right = values[:, :-1] - values[:, :-1].mean(0), values[:, 1:] - values[:, 1:].mean(0)
    with np.errstate(all="ignore"):
        correlation = (left * right).sum(0) / np.sqrt((left**2).sum(0) * (right**2).sum(0))
    return run if np.nan_to_num(np.median(correlation)) > ALIKE else []


def _goes_on(names: Sequence[str]) -> bool:
    """Whether two or three names are alike but for a number that rises or falls."""
    found = [NUMBERED.fullmatch(name) for name in names]
    parts = [match.groups() for match in found if match]
    if len(parts) < max(2, len(names)) or len({(before, after) for before, _, after in parts}) > 1:
        return False
    steps = np.diff([float(number) for _, number, _ in parts])
    return bool((steps > 0).all() or (steps < 0).all())


def followers(free: pd.DataFrame, targets: pd.DataFrame) -> list[str]:
    """Names of the columns whose order is that of a target, or the reverse, in the rows that have both.

    Args:
        free: the columns that may be features.
        targets: those to predict.
    """
    answers = [column for _, column in _numbers(targets)]
    return [name for name, column in _numbers(free) if any(_follows(column, answer) for answer in answers)]


def _numbers(frame: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    for name, column in frame.items():  # several of one name among them, as estimators take them
        if column.dtype.kind in "iuf":
            yield str(name), pd.Series(column.to_numpy(dtype=float, na_value=np.nan))


def _follows(column: pd.Series, answer: pd.Series) -> bool:
    both = (column.notna() & answer.notna()).to_numpy()
    values, answers = column.to_numpy()[both], answer.to_numpy()[both]
    if len(values) < FEW_ROWS:
        return False
    # Of most columns some rows tell that they do not follow; to sort all takes long where rows are many.
    step = max(1, len(values) // ROWS_COMPARED)
    if _rank_correlation(values[::step], answers[::step]) < NEARLY_FOLLOWS:
        return False
    is_varied = min(len(np.unique(values)), len(np.unique(answers))) >= LEAST_OTHERS
    return is_varied and _rank_correlation(values, answers) > FOLLOWS


def _rank_correlation(values: np.ndarray, answers: np.ndarray) -> float:
    """Size of Spearman's correlation of two columns ``(rows,)``; 0 where one is constant."""
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

    ranks = np.stack([rankdata(values), rankdata(answers)])
    return abs(float(np.corrcoef(ranks)[0, 1])) if np.ptp(ranks, axis=1).all() else 0.0


def stand_ins(free: pd.DataFrame) -> Iterator[str]:
    """A sentence for each number that repeats far outside all others of some columns, as if it meant missing.

    Args:
        free: the columns that may be features.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for name, column in _numbers(free):
        values, counts = np.unique(column.dropna(), return_counts=True)
        for step, where in ((1, "below"), (-1, "above")):
            for value, count in _far(values[::step], counts[::step]):
                found.setdefault((f"{value:.15g}", where), []).append(f"{name} ({counted(count, 'row')})")
    for (number, where), names in found.items():
        yield f"{number} is far {where} all others in {listed(names)}; if it means missing, say --missing={number}"


def coarse(frame: pd.DataFrame) -> Iterator[str]:
    """A sentence for each column of numbers of which 32 bits, which models have, tell less than half apart.

    Args:
        frame: columns that are features or predicted.
    """
    for name, column in _numbers(frame):
        numbers = column[np.isfinite(column)].to_numpy()
        with np.errstate(all="ignore"):
            step = np.spacing(np.abs(numbers).max(initial=0).astype(np.float32))
        if len(numbers) and np.ptp(numbers) < len(numbers) * step:  # else not worth the sorting
            different, told = (len(np.unique(values)) for values in (numbers, numbers.astype(np.float32)))
            if told < different / 2:
                yield (
                    f"{name} has {different} different numbers, of which 32 bits tell {told} apart: subtract what all "
                    "have in common, such as the least"
                )


def in_capitals(frame: pd.DataFrame) -> Iterator[str]:
    """A sentence for each column with texts that differ in capitals, or in ways that nobody sees, only.

    Args:
        frame: columns whose texts are categories, or names of groups.
    """
    for name in frame:
        if is_text(frame[name]):
            texts = pd.Series(present_text(frame[name]).unique(), dtype=object)
            alike = texts[texts.map(_seen).duplicated(keep=False)]
            if len(alike):
                how = (
                    "capitals" if alike.str.casefold().duplicated(keep=False).all() else "capitals or unseen characters"
                )
                yield f"{listed(alike.to_list())} in {name} differ in {how} only, and count as different"


def _seen(text: str) -> str:
    """What a reader sees of a text: accents joined with their letters, no characters without width, no capitals."""
    return "".join(letter for letter in normalize("NFKC", text).casefold() if category(letter) != "Cf")


def _far(values: np.ndarray, counts: np.ndarray) -> list[tuple[float, int]]:
    """The first numbers and their rows, where each repeats and they are farther from the others than twice their range.

    Args:
        values: different numbers, rising or falling.
        counts: rows that have each.
    """
    for first in range(1, MOST_CODES + 1):
        others = values[first : -MOST_CODES if len(values) > FEW_ROWS else None]  # the last may be such numbers, too
        if len(others) > LEAST_OTHERS and abs(values[first] - values[first - 1]) > 2 * np.ptp(others):
            found = list(zip(values[:first].tolist(), counts[:first].tolist(), strict=True))
            return found if min(counts[:first]) >= LEAST_REPEATS else []
    return []
