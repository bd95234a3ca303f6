"""The page of our results, docs/results.md, and the README's table: both made from the metrics of the run matrix."""

import math
from collections.abc import Collection, Sequence

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from pare.config import Library, PareError
from pare.paper.report.markdown import grid
from pare.paper.report.statistics import paired_t
from pare.report.texts import ARROWS, number_text, spread_text

TEMPLATE = "results.md"
REFERENCE = "pare"
RIVAL = "finetune"
SUMMARY = ("darcy_flow", "pdebench_advection", "openml_wdbc", "openml_car", "openml_vehicle", "openml_credit_g")
EQUATIONS_1D = (
    *("pdebench_advection", "pdebench_burgers", "pdebench_diffusion_reaction_1d", "pdebench_diffusion_sorption"),
    "pdebench_navier_stokes_1d",
)
PDEBENCH = (
    *("pdebench_advection", "pdebench_burgers", "pdebench_diffusion_reaction_1d", "pdebench_diffusion_sorption"),
    *("pdebench_navier_stokes_1d", "pdebench_darcy", "pdebench_shallow_water", "pdebench_diffusion_reaction_2d"),
)
TABLES = (
    *("openml_wdbc", "openml_balance_scale", "openml_car", "openml_cmc", "openml_credit_g", "openml_diabetes"),
    *("openml_pc1", "openml_vehicle"),
)
SERIES = ("ucr_gun_point", "ucr_osu_leaf")
START, END = "<!-- results: written by `kedro paper pages` -->", "<!-- end of results -->"
NONE = "none"


def runs_in(frame: pd.DataFrame, folders: Collection[str]) -> pd.DataFrame:
    """Those of the runs whose folder is among these.

    Args:
        frame: one line a run, see `pare.report.results.Results`.
        folders: of the runs of the matrix.
    """
    return frame[frame["folder"].isin(list(folders))].reset_index(drop=True)


def results_page(runs: pd.DataFrame, library: Library) -> str:
    """Markdown of docs/results.md.

    Args:
        runs: the runs of the matrix, one line each.
        library: the tasks, for the paper's figures.
    """
    environment = Environment(
        loader=PackageLoader("pare.paper.pages", "."),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tables = Tables(runs, library)
    return environment.get_template(TEMPLATE).render(
        t=tables, summary=SUMMARY, tables=TABLES, series=SERIES, pdebench=PDEBENCH, equations_1d=EQUATIONS_1D
    )


def with_results(readme: str, runs: pd.DataFrame, library: Library) -> str:
    """The README with its table and the sentence below it made anew; all between the two marks is replaced.

    Args:
        readme: the text of README.md.
        runs: the runs of the matrix, one line each.
        library: the tasks.

    Raises:
        PareError: where a mark is missing.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise PareError(f"README.md has no part between {START!r} and {END!r}; put both back where the table belongs")
    tables = Tables(runs, library)
    parts = [START, tables.against_best(SUMMARY), tables.verdict(SUMMARY), END]
    return before + "\n\n".join(parts) + after


class Tables:
    """Tables and sentences of the page.

    Args:
        runs: the runs of the matrix, one line each.
        library: the tasks.
    """

    def __init__(self, runs: pd.DataFrame, library: Library) -> None:
        self.runs = runs
        self.library = library

    def comparison(self, tasks: Sequence[str], methods: Sequence[str]) -> str:
        """A row a task, a column a method: mean ± standard deviation, and in brackets p of the test against PaRe."""
        lines = [["task", "metric", *(f"`{method}`" for method in methods), "constant baseline"]]
        for task in tasks:
            runs = self._of(task)
            scores = _scores(runs)
            cells = [_score_cell(scores, method) for method in methods]
            lines.append([_task_name(runs), _metric_name(runs), *cells, _mean(runs, "constant_prediction")])
        return grid(lines)

    def one_task(self, task: str, names: Sequence[str]) -> str:
        """A row a method, with its variant: validation, test, p of the test against PaRe, training time and memory."""
        scores = _scores(self._of(task))
        lines = [["run", "validation", "test", f"p against `{REFERENCE}`", "training [s]", "memory [MiB]"]]
        for name in names:
            runs = self._of(task, name)
            p = paired_t(scores, name, REFERENCE)
            test, validation = (spread_text(runs[key].mean(), runs[key].std()) for key in ("test", "validation"))
            costs = [_mean(runs, key, ".0f") for key in ("train_seconds", "peak_memory_mb")]
            lines.append([f"`{name}`", validation, test, NONE if math.isnan(p) else f"{p:.2g}", *costs])
        return grid(lines)

    def next_to_paper(self, tasks: Sequence[str], method: str = REFERENCE) -> str:
        """A row a task: one method's result, the constant baseline, the paper's figure, and what the run cost."""
        head = ["task", "metric", f"`{method}`", "constant baseline", "the paper's", "training rows", "epochs"]
        lines = [[*head, "training [s]", "memory [MiB]"]]
        for task in tasks:
            runs = self._of(task, method)
            paper = self.library.task(task).paper.get(method)
            lines.append(
                [
                    _task_name(runs),
                    _metric_name(runs),
                    spread_text(runs["test"].mean(), runs["test"].std()),
                    _mean(runs, "constant_prediction"),
                    NONE if paper is None else number_text(paper),
                    *(_mean(runs, key, ".0f") for key in ("n_train", "epochs", "train_seconds", "peak_memory_mb")),
                ]
            )
        return grid(lines)

    def seconds(self, tasks: Sequence[str], methods: Sequence[str]) -> str:
        """A sentence: the range of training times of each method over these tasks."""
        ranges = []
        for method in methods:
            times = pd.concat([self._of(task, method)["train_seconds"] for task in tasks])
            low, high = (f"{float(f'{seconds:.2g}'):g}" for seconds in (times.min(), times.max()))
            ranges.append(f"`{method}` {low} to {high} s")
        return f"Training time of a table: {', '.join(ranges)}."

    def paper(self, task: str, method: str) -> str:
        """The paper's figure of a method."""
        return number_text(self.library.task(task).paper[method])

    def ahead(self, tasks: Sequence[str], *methods: str) -> int:
        """On how many of the tasks PaRe's mean is better than that of each of the methods."""
        count = 0
        for task in tasks:
            runs = self._of(task)
            means = _scores(runs)[[REFERENCE, *methods]].mean()
            others = means[list(methods)]
            lower = runs["direction"].iloc[0] == "lower"
            count += bool(means[REFERENCE] < others.min() if lower else means[REFERENCE] > others.max())
        return count

    def against_best(self, tasks: Sequence[str]) -> str:
        """A row a task: PaRe, what was kept of it, fine-tuning, and the baseline with the best mean."""
        lines = [["task", "metric", f"`{REFERENCE}`", "kept", f"`{RIVAL}`", "best baseline", "constant baseline"]]
        for task in tasks:
            runs = self._of(task)
            scores, name = _scores(runs), self._best_baseline(task)
            kept = ", ".join(sorted(set(self._of(task, REFERENCE)["kept"].dropna())))
            best = f"{_score_cell(scores, name)} `{name}`"
            ours = [_score_cell(scores, REFERENCE), kept, _score_cell(scores, RIVAL)]
            lines.append([_task_name(runs), _metric_name(runs), *ours, best, _mean(runs, "constant_prediction")])
        return grid(lines)

    def kept_starts(self, tasks: Sequence[str], method: str = REFERENCE) -> int:
        """Of how many tasks every run of a method kept the solved start."""
        return sum(set(self._of(task, method)["kept"]) == {"solved start"} for task in tasks)

    def verdict(self, tasks: Sequence[str]) -> str:
        """What the table of these tasks shows of PaRe against fine-tuning and the best baseline."""
        best = sum(self.ahead([task], self._best_baseline(task)) for task in tasks)
        return (
            f"**PaRe's mean is better than fine-tuning's on {self.ahead(tasks, RIVAL)} of {len(tasks)} tasks and than "
            f"the best baseline's on {best}. On {self.kept_starts(tasks)} of them it kept the solved start, to which "
            "training had added nothing.**"
        )

    def _best_baseline(self, task: str) -> str:
        """Of the baselines that have results of a task the one with the best mean."""
        runs = self._of(task)
        means = runs[runs["method"].isin(list(self.library.baselines))].groupby("name")["test"].mean()
        if means.empty:
            raise PareError(f"the matrix has no results of a baseline of {task}; make them (`kedro matrix`)")
        return str(means.idxmin() if runs["direction"].iloc[0] == "lower" else means.idxmax())

    def _of(self, task: str, name: str | None = None) -> pd.DataFrame:
        """The runs of a task, perhaps of one method with its variant only.

        Raises:
            ValueError: where there is none.
        """
        runs = self.runs[self.runs["task"] == task]
        runs = runs if name is None else runs[runs["name"] == name]
        if runs.empty:
            missing = f"{task}/{name}" if name else task
            raise PareError(f"the matrix has no results of {missing}; make them (`kedro matrix`) or mend {TEMPLATE}")
        return runs


def _scores(runs: pd.DataFrame) -> pd.DataFrame:
    """Test metric of one task's runs, a row a seed, a column a method with its variant."""
    return runs.pivot(index="seed", columns="name", values="test")


def _score_cell(scores: pd.DataFrame, method: str) -> str:
    values = scores[method]
    p = paired_t(scores, method, REFERENCE)
    return spread_text(values.mean(), values.std()) + ("" if math.isnan(p) else f" ({p:.2g})")


def _task_name(runs: pd.DataFrame) -> str:
    return f"`{runs['task'].iloc[0]}`{' (simulated)' if runs['simulated'].any() else ''}"


def _metric_name(runs: pd.DataFrame) -> str:
    return f"{runs['title'].iloc[0]} {ARROWS[runs['direction'].iloc[0]]}"


def _mean(runs: pd.DataFrame, key: str, text: str = ".3g") -> str:
    value = runs[key].mean()
    return NONE if math.isnan(value) else format(value, text)
