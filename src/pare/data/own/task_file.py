"""The YAML of a task of the user's own, written with a remark on every line so that it can be edited."""

import json
import re
from collections.abc import Sequence
from math import prod
from typing import Any

import yaml

from pare.config.errors import PareError
from pare.config.schema import DEFAULTS, TEST_SHARE, Task, default_tokens, own_normalisation
from pare.config.words import counted
from pare.data.own.class_remarks import class_remarks
from pare.data.own.findings import Inspection

RESERVED = ("encoders", "proxies", "openml")  # folders of data/01_raw that no task may take
WIDEST = 72  # column of the remarks, if all lines are that long
MANY_ROWS = 1000  # from which on a tenth of them is enough to choose the best epoch by
ABSOLUTE = {"loss": "rmse", "metric": "rmse"}  # where fields are zero everywhere, of which no error is a share
METRICS = {
    "classification": "share of wrong answers; or one_minus_f1 (rare classes count as much), auroc_ovo",
    "multilabel": "mean over the labels; or one_minus_map",
    "regression": "in the units of the target; or mae, r2",
    "dense": "error as a share of the field; or nrmse, rmse, mae",
}
NORMALISATION_REMARK = "by mean and standard deviation of the training rows; none: unchanged"
OPTION_REMARKS = {
    "target": "the column to predict",
    "group": "rows of the same value are never divided between training and test",
    "ignore": "columns that are left out",
    "parts": "names of the arrays; groups: rows of one group are never divided between training and test",
    "size": "height and width",
    "labels": "the table that names the class of each file, and its columns",
    "colour": "three channels; false: one, grey",
}


def task_name(wanted: str | None, file: str) -> str:
    """A name that is plain enough for folders and the command line: the wanted one, or one made of a file's name.

    Raises:
        PareError: if the wanted one is not.
    """
    if wanted is None:
        plain = re.sub(r"[^a-z0-9]+", "_", file.lower()).strip("_").removesuffix("_train")
        wanted = plain if _is_plain(plain) else f"data_{plain}".rstrip("_")
    if not _is_plain(wanted):
        raise PareError(
            f"{wanted!r} cannot name a task; expected letters, digits and _, a letter first, and none of "
            f"{', '.join(RESERVED)}, nor a word such as no, true or null, which YAML takes for a value. Choose one: "
            "--name NAME"
        )
    return wanted


def _is_plain(name: str) -> bool:
    """Whether a folder can have that name, and both the task's file and ``--params task:NAME`` read it as text."""
    plain = re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) and name not in RESERVED
    return bool(plain) and yaml.safe_load(name) == name


def task_yaml(name: str, files: Sequence[str], found: Inspection, metric: str | None = None) -> str:
    """The YAML of a task, checked against the schema.

    Args:
        name: name of the task.
        files: paths as the user should read them.
        found: what was found in them.
        metric: what the task is measured by; None: the default of what is predicted.
    """
    entry = "\n".join([f"{name}:", *_lines(_sections(files, found, metric))]) + "\n"
    remarks = all_remarks(found, Task.model_validate(yaml.safe_load(entry)[name]))
    lines = [
        f"# Written by `kedro tasks new`; edit it freely. `kedro tasks show {name}` checks it and says what",
        "# a run would cost; then run it:",
        f"#   kedro run --params task={name}",
        "# What else a task may say: docs/task_file.md.",
        *(["# What was found in the data:"] if remarks else []),
        *(f"# - {_in_one_line(remark)}" for remark in remarks),
    ]
    return "\n".join([*lines, entry])


def all_remarks(found: Inspection, task: Task) -> list[str]:
    """What the user should know of the data before a run, a sentence each without a full stop.

    Args:
        found: what was found in the files.
        task: the task that was made of it.
    """
    remarks = [*found.remarks, *(found.repeats.sentences() if found.repeats else ()), *class_remarks(found, task)]
    if found.zero_fields:
        remarks.append(zero_remark(found.zero_fields))
    return remarks


def zero_remark(fields: int) -> str:
    """What the user should know where fields to predict are zero everywhere."""
    verb = "is" if fields == 1 else "are"
    return (
        f"{counted(fields, 'field')} to predict {verb} zero everywhere, so loss and metric are rmse and no shares of it"
    )


def _in_one_line(remark: str) -> str:
    """A remark as a comment: names of columns may have characters that end a line, or that YAML refuses."""
    return "".join(character if character.isprintable() else " " for character in remark)


def _sections(files: Sequence[str], found: Inspection, metric: str | None) -> list[tuple[int, str, str]]:
    """Depth, YAML and remark of each line."""
    rows = ", ".join(f"{part}: {count}" for part, count in found.rows.items())
    unlabelled = f"; {counted(found.unlabelled, 'more row')} without {found.output_name} left out"
    first_ones = f"rows; a smaller number takes the first ones{unlabelled if found.unlabelled else ''}"
    output = {"kind": found.kind, "shape": list(found.output_shape), "name": found.output_name}
    training = {"symmetries": list(found.symmetries)} if found.symmetries else {}
    measure = ABSOLUTE if found.zero_fields else DEFAULTS[found.kind]
    return [
        (1, f"title: {_flow(_title(files, found))}", "in words; the heading of figures"),
        (1, "raw:", ""),
        (2, "files:", "yours, linked and never changed; absolute, or relative to the project"),
        *((3, f"- {_flow(path)}", "") for path in files),
        (1, "reader:", ""),
        (2, f"name: {found.reader}", "all are in docs/task_file.md"),
        (2, "options:", ""),
        *((3, *line) for line in _option_lines(found)),
        (1, f"samples: {{{rows}}}", first_ones),
        (1, f"input: {{shape: {list(found.input_shape)}}}", _input_remark(found)),
        (1, f"output: {_flow(output)}", _output_remark(found)),
        *((1, *line) for line in _split_lines(found)),
        (1, f"normalisation: {_flow(own_normalisation(found.kind, found.input_shape))}", NORMALISATION_REMARK),
        (1, f"tokens: {_flow(default_tokens(found.kind, found.input_shape))}", _tokens_remark(found)),
        (1, f"loss: {measure['loss']}", "what training minimises"),
        (1, f"metric: {metric or measure['metric']}", "" if metric else _metric_remark(found)),
        (1, "source: null", "the pretrained encoder; null: one that suits, others are in conf/base/sources.yml"),
        (1, f"training: {_flow(training)}", _training_remark(found)),
    ]


def _lines(sections: Sequence[tuple[int, str, str]]) -> list[str]:
    lines = [("  " * depth + text, remark) for depth, text, remark in sections]
    column = min(WIDEST, max(len(line) for line, remark in lines if remark))
    return [f"{line.ljust(column)}  # {_in_one_line(remark)}" if remark else line for line, remark in lines]


def _option_lines(found: Inspection) -> list[tuple[str, str]]:
    lines = []
    for key, value in found.options.items():
        remark = found.notes.get(key, OPTION_REMARKS.get(key, ""))
        if key == "parts":
            lines.append(("parts:", remark))
            lines += [(f"  {part}: {_flow(names)}", "") for part, names in value.items()]
        else:
            lines.append((f"{key}: {_flow(value)}", remark))
    return lines


def _title(files: Sequence[str], found: Inspection) -> str:
    stem = files[0].replace("\\", "/").rstrip("/").rpartition("/")[-1]
    return f"{found.output_name} from {stem}"


def _input_remark(found: Inspection) -> str:
    if len(found.input_shape) == 1:
        return counted(found.input_shape[0], "feature")
    return "channels, then the points along each axis; channels: [name, …] names them in figures"


def _output_remark(found: Inspection) -> str:
    if found.classes:
        names = ", ".join(f"{name} ({counted(count, 'row')})" for name, count in list(found.classes.items())[:6])
        return f"{names}{', …' if len(found.classes) > 6 else ''}"
    return {"multilabel": "labels that may hold at once", "regression": "numbers", "dense": "a field"}[found.kind]


def _metric_remark(found: Inspection) -> str:
    if found.kind == "regression" and prod(found.output_shape) > 1:
        return "pools all numbers; where their units differ take r2, the mean over them"
    return METRICS[found.kind]


def _split_lines(found: Inspection) -> list[tuple[str, str]]:
    if "validation" in found.rows:
        return []
    rows = sum(found.rows[part] for part in ("all", "train") if part in found.rows)
    split: dict[str, Any] = {"validation": 0.1 if rows >= MANY_ROWS else 0.2}
    remark = "share of the training rows"
    if "all" in found.rows:
        split, remark = {"test": TEST_SHARE} | split, "shares of all rows, and of the rest"
    if found.ordered:
        split["ordered"] = True
        remark += "; the last rows are the test part, those before them the validation part"
    elif found.groups:
        remark += "; groups stay whole"
    elif found.classes:
        split["stratified"] = _can_be_stratified(split, found.different)
        remark += "; every class in each" if split["stratified"] else "; too few rows for every class in each"
    if found.repeats and not found.ordered:
        split["equal_rows"] = "together"
        remark += "; apart: equal rows are different cases that look alike"
    return [(f"split: {_flow(split)}", remark)]


def _can_be_stratified(split: dict[str, Any], classes: Sequence[int]) -> bool:
    """Whether each part has room for every class, and every class rows for each part; ``classes`` counts its rows."""
    rest = sum(classes)
    test = round(rest * split.get("test", 0))
    cuts = [count for count in (test, round((rest - test) * split["validation"])) if count]
    return min(cuts, default=0) >= len(classes) and min(classes) > len(cuts)


def _tokens_remark(found: Inspection) -> str:
    if len(found.input_shape) == 1:
        return "one a feature"
    count = prod(-(-n // default_tokens(found.kind, found.input_shape)["patch"]) for n in found.input_shape[1:])
    start = "" if found.kind == "dense" else "for start=random: "  # a solved start shows a picture of its own size
    return f"{start}{count} a sample; smaller patches are finer and slower"


def _training_remark(found: Inspection) -> str:
    if found.symmetries:
        return "the grid looks periodic and alike everywhere; {} where it is not. Also: minutes, epochs"
    if found.kind == "dense":
        return "e.g. {minutes: 10}, or {epochs: 30} in place of them"
    more = ", class_weights: true where classes differ in size" if found.kind == "classification" else ""
    return f"e.g. {{epochs: 10}}{more}"


def _flow(value: Any) -> str:
    """A value in one line of YAML, in which OmegaConf finds no interpolation."""
    escaped = json.loads(json.dumps(value).replace("${", r"\\${"))
    text = yaml.safe_dump(escaped, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()
