"""Trainings with few fields: a fifth and a twentieth of the training rows."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml
from matplotlib.figure import Figure

from fits import by_data_set, scores, summary
from pare.paper.report.paper_tables import grid
from victories import tested

FORMS = Path(__file__).with_name("yardstick.yml")
FIFTH, TWENTIETH = 0.2, 0.05  # of the training fields
ADAMW = "training.optimiser=AdamW training.weight_decay=0"  # the default of fields when all of these were fitted
FOUR = f"training.members=4 {ADAMW}"
THEN = f"training.fixed_norms=0.6 training.fraction=1 {ADAMW}"  # and this when a fifth of them was
MIXED = {  # systems of a fifth of the fields, by their heads
    "`pare`, a quarter mixed": f"pare mixing.batches=0.25 training.epochs=37 {THEN}",
    "all mixed": f"pare mixing.batches=1 training.epochs=30 {THEN}",
    "all mixed, one pass": f"pare mixing.batches=1 mixing.passes=1 training.epochs=40 {THEN}",
}
PLAIN = [f"finetune training.epochs=40 {THEN}", "probe"]
LARGE_ERRORS = 0.1, 0.9  # of fine-tuning on the validation rows
PARE_FEW = f"pare mixing.batches=1 mixing.passes=2 training.epochs=120 training.fraction=1 {ADAMW}"
ONE_PASS = f"pare mixing.batches=1 mixing.passes=1 training.epochs=160 training.fraction=1 {ADAMW}"
PLAIN_FEW = f"finetune training.epochs=160 training.fraction=1 {ADAMW}"
QUARTER = f"pare mixing.batches=0.25 mixing.passes=2 training.epochs=160 training.fraction=1 {FOUR}"
FEW = {  # systems of a twentieth of the fields, by their heads; PaRe first
    "`pare`, all mixed": PARE_FEW,
    "a quarter mixed": f"pare mixing.batches=0.25 mixing.passes=2 training.epochs=148 training.fraction=1 {ADAMW}",
    "all mixed, one pass": ONE_PASS,
    "`target_mask`": PARE_FEW.replace("pare", "target_mask"),
    "`finetune`": PLAIN_FEW,
    "`finetune`, dropout": f"finetune training.dropout=0.1 training.epochs=160 training.fraction=1 {ADAMW}",
    "`probe`": "probe",
}
MEMBERS = {  # the mean of four trainings with a twentieth of the fields; PaRe in one pass first
    "`pare`, all mixed, one pass": ONE_PASS.replace(ADAMW, FOUR),
    "`pare`, a quarter mixed": QUARTER,
    "`finetune`": PLAIN_FEW.replace(ADAMW, FOUR),
    "`finetune`, 172 epochs": PLAIN_FEW.replace("160", "172").replace(ADAMW, FOUR),
}
BY_MUON = {  # the same with the optimiser of today; PaRe first
    "`pare`, all mixed, one pass": ONE_PASS.replace(ADAMW, "training.members=4"),
    "`finetune`, 172 epochs": PLAIN_FEW.replace("160", "172").replace(ADAMW, "training.members=4"),
    "`probe`": "probe",
}
UNSEEN = {  # systems on equations that no choice had seen; PaRe first
    "`pare`, all mixed, one pass": ONE_PASS,
    "`finetune`": PLAIN_FEW,
    "`finetune`, 172 epochs": PLAIN_FEW.replace("160", "172"),
    "`probe`": "probe",
}
PLANES = {  # systems on equations of planes; PaRe first
    "`pare`, all mixed, one pass": ONE_PASS,
    "`pare`, a quarter mixed": QUARTER.replace(FOUR, ADAMW),
    "`finetune`, 190 epochs": PLAIN_FEW.replace("160", "190"),
    "`probe`": "probe",
}


def fifth_table(fits: pd.DataFrame) -> str:
    """A fifth of the training fields, at about equal CPU time; below them how PaRe compares over the equations."""
    values = scores(fits, FIFTH).reindex(columns=[*MIXED.values(), *PLAIN]).dropna(subset=[*MIXED.values()][:2])
    means, splits = _of_all_splits(values), values.groupby("task").size()
    lines = [[f"`{task}`", str(splits[task]), *map(_shown, means.loc[task])] for task in means.index]
    for name, pare in MIXED.items():
        them = summary(fits[fits["system"].isin([pare, *PLAIN])], "fields", pare, FIFTH).reindex(PLAIN)
        lines.append([f"{name}: won, level, lost", "", *("" for _ in MIXED), *map(tested, them.iloc)])
    return grid([["simulated fields", "splits", *MIXED, "`finetune`", "`probe`"], *lines])


def members_table(fits: pd.DataFrame) -> str:
    """Means of four trainings with a twentieth of the fields; below them how PaRe in one pass compares."""
    return _mean_of_four_table(fits, MEMBERS, PLAIN_FEW.replace(ADAMW, FOUR))


def muon_table(fits: pd.DataFrame) -> str:
    """The same by Muon with weight decay."""
    return _mean_of_four_table(fits, BY_MUON, BY_MUON["`finetune`, 172 epochs"])


def _mean_of_four_table(fits: pd.DataFrame, systems: dict[str, str], plain: str) -> str:
    """Equations and splits that have both PaRe in one pass, the first of the systems, and fine-tuning."""
    first, *others = systems.values()
    own = fits[fits["system"].isin(systems.values())]
    values = scores(own, TWENTIETH).reindex(columns=[*systems.values()]).dropna(subset=[first, plain])
    means, splits = _of_all_splits(values), values.groupby("task").size()
    lines = [[f"`{task}`", str(splits[task]), *map(_shown, means.loc[task])] for task in means.index]
    them = summary(own, "fields", first, TWENTIETH).reindex(others)
    lines.append(["one pass: won, level, lost", "", "", *map(tested, them.iloc)])
    return grid([["simulated fields", "splits", *systems], *lines])


def unseen_table(fits: pd.DataFrame) -> str:
    """PaRe in one pass on equations that no choice had seen."""
    return _one_pass_table(fits, "few_fields_unseen", UNSEEN, "`finetune`")


def planes_table(fits: pd.DataFrame) -> str:
    """PaRe in one pass on equations of planes."""
    return _one_pass_table(fits, "few_fields_planes", PLANES, "`finetune`, 190 epochs")


def _one_pass_table(fits: pd.DataFrame, form: str, systems: dict[str, str], plain: str) -> str:
    """PaRe in one pass on the equations of a form, in the order of fine-tuning's error on validation rows."""
    names = yaml.safe_load(FORMS.read_text())[form][0]["data"]
    own = fits[fits["system"].isin(systems.values()) & fits["data"].isin(names)]
    values = scores(own, TWENTIETH).reindex(columns=[*systems.values()]).dropna()
    errors, means = _plain_errors(own, values, systems[plain]), _of_all_splits(values)
    splits = values.groupby("task").size()
    lines = [
        [f"`{task}`", str(splits[task]), f"{error:.3g}", *map(_shown, means.loc[task])]
        for task, error in errors.items()
    ]
    low, high = LARGE_ERRORS
    for part, chosen in {f"{low} to {high}": errors.between(low, high), f"below {low}": errors < low}.items():
        if chosen.any():
            them = summary(own[own["data"].isin(errors.index[chosen])], "fields", ONE_PASS, TWENTIETH)
            compared = map(tested, them.reindex([*systems.values()][1:]).iloc)
            lines.append([f"one pass, {part}: won, level, lost", "", "", "", *compared])
    return grid([["simulated fields", "splits", f"validation error of {plain}", *systems], *lines])


def _plain_errors(fits: pd.DataFrame, values: pd.DataFrame, plain: str = PLAIN_FEW) -> pd.Series:
    """Of fine-tuning on the validation rows, means over the splits of the values, the smallest first."""
    errors = scores(fits, TWENTIETH, "validation").loc[values.index, plain]
    return errors.groupby("task").mean().sort_values()


def _of_all_splits(values: pd.DataFrame) -> pd.DataFrame:
    """Means over the splits, a line an equation; missing where a system has not all of them."""
    return by_data_set(values).where(values.groupby("task").count().eq(values.groupby("task").size(), axis=0))


def _shown(mean: float) -> str:
    return "" if pd.isna(mean) else f"{mean:.4g}"


@dataclass(frozen=True)
class FewFields:
    """Trainings with a twentieth of the fields; equations in the order of fine-tuning's error on the validation rows.

    Attributes:
        fits: of the systems of `FEW`.
        means: test errors, means over splits, a line an equation, a column a system; a mean needs all splits of PaRe.
        splits: how many, of each equation.
        errors: of fine-tuning on the validation rows, means over splits.
        later: equations that were added when `LARGE_ERRORS` had been fixed.
    """

    fits: pd.DataFrame
    means: pd.DataFrame
    splits: pd.Series
    errors: pd.Series
    later: frozenset[str]

    @classmethod
    def of(cls, fits: pd.DataFrame) -> "FewFields":
        """From all fits of fields."""
        own = fits[fits["system"].isin(FEW.values())]
        values = scores(own, TWENTIETH).reindex(columns=[*FEW.values()]).dropna(subset=[PARE_FEW, PLAIN_FEW, "probe"])
        errors = _plain_errors(own, values)
        means, splits = _of_all_splits(values).loc[errors.index], values.groupby("task").size()
        later = frozenset(yaml.safe_load(FORMS.read_text())["few_fields"][-1]["data"])
        return cls(own, means, splits, errors, later)

    def parts(self) -> dict[str, pd.Series]:
        """Which equations belong to each part that is compared, by its name."""
        low, high = LARGE_ERRORS
        large, later = self.errors.between(low, high), self.errors.index.isin(self.later)
        return {
            f"{low} to {high}, the border drawn afterwards": large & ~later,
            f"{low} to {high}, the border fixed before": large & later,
            f"{low} to {high}, all": large,
            f"below {low}": self.errors < low,
            "all": self.errors > 0,
        }

    def table(self) -> str:
        """The test errors, and how PaRe in two passes and in one compares over the equations of each part."""
        lines = []
        for task, error in self.errors.items():
            lines.append([f"`{task}`", str(self.splits[task]), f"{error:.3g}", *map(_shown, self.means.loc[task])])
        for passes, pare in (("two passes", PARE_FEW), ("one pass", ONE_PASS)):
            for name, chosen in self.parts().items():
                part = self.fits[self.fits["data"].isin(self.errors.index[chosen])]
                if pare in part["system"].values:
                    them = summary(part, "fields", pare, TWENTIETH).drop(index=pare).reindex([*FEW.values()])
                    lines.append([f"{passes}, {name}: won, level, lost", "", "", *map(tested, them.iloc)])
        return grid([["simulated fields", "splits", "validation error of `finetune`", *FEW], *lines])

    def figure(self) -> Figure:
        """PaRe's test error relative to fine-tuning's, a line an equation, in the order of fine-tuning's validation."""
        figure = Figure(figsize=(8.0, 5.2), layout="constrained", dpi=130)
        ax = figure.subplots()
        relative = 100 * (self.means[PARE_FEW] / self.means[PLAIN_FEW] - 1)
        later, lines = self.errors.index.isin(self.later), pd.Series(range(len(self.errors)), self.errors.index)
        large = lines[self.errors.between(*LARGE_ERRORS)]
        ax.axhspan(large.min() - 0.5, large.max() + 0.5, color="0.93", label="where PaRe was expected to be ahead")
        ax.axvline(0, color="0.5", lw=1)
        for chosen, marker, when in ((~later, "o", "before"), (later, "D", "after")):
            ax.plot(relative[chosen], lines[chosen], marker, label=f"fitted {when} that was said")
        names = [f"{str(task).replace('_', ' ')}, {error:.2g}" for task, error in self.errors.items()]
        ax.set_yticks(lines, names, fontsize="small")
        ax.set(xlabel="PaRe's test error against fine-tuning's [%]", ylabel="equation, fine-tuning's validation error")
        ax.grid(axis="x", alpha=0.3)
        ax.legend(fontsize="small", loc="lower left")
        return figure
