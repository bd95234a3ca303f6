"""The page of our results, docs/results.md, and the README's table: both made from results.csv alone."""

import math
from collections.abc import Collection, Sequence

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from pare.config import Library, PareError
from pare.config.words import number_text, spread_text
from pare.paper.report.method_statistics import as_errors
from pare.paper.report.paper_tables import grid
from pare.report.html_page import heading_text

TEMPLATE = "results.md"
REFERENCE = "pare"
FINE_TUNING = "finetune"
START_ALONE = "solved start"
CLOSE = 0.01  # two errors that differ by less, relative to the larger one, are level
VERDICTS = ("same model", "level", "ahead", "behind")
PDEBENCH = (
    *("pdebench_advection", "pdebench_burgers", "pdebench_diffusion_reaction_1d", "pdebench_diffusion_sorption"),
    *("pdebench_navier_stokes_1d", "pdebench_darcy", "pdebench_shallow_water", "pdebench_diffusion_reaction_2d"),
)
TABLES = (
    *("openml_wdbc", "openml_balance_scale", "openml_car", "openml_cmc", "openml_credit_g", "openml_diabetes"),
    *("openml_pc1", "openml_vehicle"),
)
START, END = "<!-- results: written by `kedro paper pages` -->", "<!-- end of results -->"
NONE = "none"


def runs_in(frame: pd.DataFrame, folders: Collection[str]) -> pd.DataFrame:
    """The runs whose folder is among these.

    Args:
        frame: one line a run, see `pare.report.results.Results`.
        folders: folders of the matrix' runs.
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
    return environment.get_template(TEMPLATE).render(t=tables, tables=TABLES, pdebench=PDEBENCH)


def with_results(readme: str, runs: pd.DataFrame, library: Library) -> str:
    """The README with its table and the verdict made anew; all between the two marks is replaced.

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
    parts = [START, tables.against_best(), tables.verdict(), END]
    return before + "\n\n".join(parts) + after


class Tables:
    """Tables and sentences of the page.

    Args:
        runs: the runs of the matrix, one line each.
        library: the tasks.
    """

    def __init__(self, runs: pd.DataFrame, library: Library) -> None:
        self.runs = runs.assign(error=as_errors(runs["metric"], runs["test"]))
        self.library = library

    def comparison(self, tasks: Sequence[str], methods: Sequence[str]) -> str:
        """One row for each task, one column for each method: mean ± standard deviation over the seeds."""
        lines = [["task", *(f"`{method}`" for method in methods)]]
        for task in tasks:
            lines.append([_task_name(self._of(task)), *(self.score(task, method) for method in methods)])
        return grid(lines)

    def one_task(self, task: str, names: Sequence[str]) -> str:
        """One row for each method with its variant: validation and test metric, training time and memory."""
        lines = [["method", "validation", "test", "95 % interval", "training [s]", "memory [MiB]"]]
        for name in names:
            runs = self._of(task, name)
            interval = f"{number_text(runs['lower'].mean())} to {number_text(runs['upper'].mean())}"
            scores = [spread_text(runs[key].mean(), runs[key].std()) for key in ("validation", "test")]
            costs = [_mean(runs, key, ".0f") for key in ("train_seconds", "peak_memory_mb")]
            lines.append([f"`{name}`", *scores, interval, *costs])
        return grid(lines)

    def next_to_paper(self, tasks: Sequence[str], method: str = REFERENCE) -> str:
        """By task: a method's result, the best baseline, the constant one, the paper's figure, and the cost."""
        head = ["task", f"`{method}`", "selected", "best baseline", "constant baseline", "the paper's"]
        lines = [[*head, "training rows", "training [s]"]]
        for task in tasks:
            runs = self._of(task, method)
            paper = self.library.task(task).paper.get(method)
            best = self.best_baseline(task)
            lines.append(
                [
                    _task_name(runs),
                    self.score(task, method),
                    _selected(runs),
                    NONE if best is None else f"{self.score(task, best)} `{best}`",
                    _mean(runs, "constant_prediction"),
                    NONE if paper is None else number_text(paper),
                    *(_mean(runs, key, ".0f") for key in ("n_train", "train_seconds")),
                ]
            )
        return grid(lines)

    def uncertainty(self, tasks: Sequence[str], method: str) -> str:
        """By task: coverage and size of the sets, and what the temperature does to the log loss; means."""
        head = ["task", "validation rows", "coverage", "set size", "temperature", "log loss before", "after"]
        keys = {"n_validation": ".0f", "coverage": ".3f", "set_size": ".2f", "temperature": ".3g"}
        keys |= {"log_loss": ".3f", "log_loss_after": ".3f"}
        runs = [self._of(task, method) for task in tasks]
        return grid(
            [head, *([_task_name(one), *(_mean(one, key, text) for key, text in keys.items())] for one in runs)]
        )

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

    def against_best(self) -> str:
        """A row for each task with PaRe and fine-tuning: both, what PaRe selected, and the best baseline."""
        head = [
            "task",
            "metric",
            f"`{REFERENCE}`",
            "selected",
            f"`{FINE_TUNING}`",
            "best baseline",
            "constant baseline",
        ]
        lines = [head]
        for task in self.shared(FINE_TUNING):
            ours, best = self._of(task, REFERENCE), self.best_baseline(task)
            others = [
                NONE if name is None else f"{self.score(task, name)}{shown}: {self.compared(task, name)}"
                for name, shown in ((FINE_TUNING, ""), (best, f" `{best}`"))
            ]
            constant = _mean(ours, "constant_prediction")
            lines.append(
                [_task_name(ours), _metric_name(ours), self.score(task, REFERENCE), _selected(ours), *others, constant]
            )
        return grid(lines)

    def verdict(self) -> str:
        """How often PaRe is the same model, level, ahead or behind, over all tasks with both methods."""
        shared = self.shared(FINE_TUNING)
        fine_tuning = [self.compared(task, FINE_TUNING) for task in shared]
        best = {task: name for task in self.shared(REFERENCE) if (name := self.best_baseline(task))}
        baselines = [self.compared(task, name) for task, name in best.items()]
        ahead = [task for task, verdict in zip(best, baselines, strict=True) if verdict == "ahead"]
        single = sum(self._baselines(task)["name"].nunique() == 1 for task in ahead)
        return (
            f"**PaRe against fine-tuning, all {len(shared)} tasks with both: {_counted(fine_tuning)}. Against the best "
            f"baseline, all {len(best)} tasks with one: {_counted(baselines)}.** Of the {len(ahead)} ahead, "
            f"{self.starts(ahead)} are the solved start and {single} have one baseline only. *Same model*: both "
            "selected the solved start. *Level*: the errors differ by less than 1 % or less than the seeds' standard "
            "deviation, or each result lies in the other's 95 % interval over the test rows."
        )

    def shared(self, method: str) -> list[str]:
        """The tasks with results of PaRe and of another method."""
        tasks = self.runs["task"].unique()
        return [task for task in tasks if not any(self._some(task, name).empty for name in (REFERENCE, method))]

    def compared(self, task: str, method: str) -> str:
        """PaRe against a method on one task: one of `VERDICTS`."""
        ours, other = self._of(task, REFERENCE), self._of(task, method)
        if all(set(runs["kept"]) == {START_ALONE} for runs in (ours, other)):
            return "same model"
        mine, its = ours["error"].mean(), other["error"].mean()
        apart = abs(mine - its)
        spread = max(ours["error"].std(), other["error"].std())  # NaN for one seed
        overlap = all(
            one["lower"].mean() <= two["test"].mean() <= one["upper"].mean()
            for one, two in ((ours, other), (other, ours))
        )
        if apart <= CLOSE * max(mine, its) or apart < spread or overlap:
            return "level"
        return "ahead" if mine < its else "behind"

    def starts(self, tasks: Sequence[str], method: str = REFERENCE) -> int:
        """The number of tasks for which every run of a method selected the solved start."""
        return sum(set(self._of(task, method)["kept"]) == {START_ALONE} for task in tasks)

    def best_baseline(self, task: str) -> str | None:
        """The baseline with the smallest mean error; None where no baseline ran."""
        means = self._baselines(task).groupby("name")["error"].mean()
        return None if means.empty else str(means.idxmin())

    def _baselines(self, task: str) -> pd.DataFrame:
        runs, library = self._some(task), self.library
        baselines = [name for name in library.learners if library.learner(name).kind != "transformer"]
        return runs[runs["method"].isin(baselines)]

    def score(self, task: str, method: str) -> str:
        """Mean ± standard deviation over the seeds of the test metric."""
        test = self._of(task, method)["test"]
        return spread_text(test.mean(), test.std())

    def _some(self, task: str, name: str | None = None) -> pd.DataFrame:
        runs = self.runs[self.runs["task"] == task]
        return runs if name is None else runs[runs["name"] == name]

    def _of(self, task: str, name: str | None = None) -> pd.DataFrame:
        """The runs of a task, perhaps of one method with its variant only; PareError where there is none."""
        runs = self._some(task, name)
        if runs.empty:
            missing = f"{task}/{name}" if name else task
            raise PareError(f"the matrix has no results of {missing}; make them (`kedro matrix`) or mend {TEMPLATE}")
        return runs


def _counted(verdicts: Sequence[str]) -> str:
    return ", ".join(f"{verdict} on {verdicts.count(verdict)}" for verdict in VERDICTS if verdict in verdicts)


def _selected(runs: pd.DataFrame) -> str:
    return ", ".join(sorted(set(runs["kept"].dropna()))) or NONE


def _task_name(runs: pd.DataFrame) -> str:
    return f"`{runs['task'].iloc[0]}`{' (simulated)' if runs['simulated'].any() else ''}"


def _metric_name(runs: pd.DataFrame) -> str:
    return heading_text(runs.iloc[0]).replace("\u00a0", " ")


def _mean(runs: pd.DataFrame, key: str, text: str = ".3g") -> str:
    value = runs[key].mean()
    return NONE if math.isnan(value) else format(value, text)
