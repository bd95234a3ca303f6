"""Tables about the paper's claims, from the fits of `yardstick.py` and analyses of trainings from the paper's start.

    python research/studies/yardstick.py run solved_start            # then random_start and its other two, few_fields
    python research/studies/yardstick.py score
    for task in openml_wdbc openml_vehicle openml_diabetes; do
      for method in pare finetune orca; do
        kedro run --pipelines=pare_train --params task=$task,method=$method,start=random,training.epochs=15
      done
      kedro run --pipelines=analyse --params task=$task,method=pare,start=random,training.epochs=15
      kedro run --pipelines=analyse --to-outputs=landscape_analysis_figure \\
        --params task=$task,method=pare,start=random,training.epochs=15,analyse.compared=orca
    done
    python research/studies/claims.py collect    # numbers of the analyses into research/data/claims.csv
    python research/studies/sources.py fit    # then compare: encoders, research/data/sources.csv
    python research/studies/claims.py show    # the tables and the figure
"""

import argparse
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.stats import kendalltau, wilcoxon

from few_fields import FewFields, fifth_table, members_table, muon_table, planes_table, unseen_table
from fits import KINDS, read_fits, start_kept, summary
from pare.paper.report.paper_tables import grid
from pare.storage.atomic import atomic_path
from victories import against, tested

PROJECT = Path(__file__).parents[2]
REPORTING, FITS, FORMS = (
    PROJECT / path for path in ("data/08_reporting", "research/data/fits", "research/studies/yardstick.yml")
)
NUMBERS, ENCODERS = (PROJECT / "research/data" / name for name in ("claims.csv", "sources.csv"))
ANALYSES = "*/pare/start_random/seed_0/analysis"
RANDOM, LOWER = "start=random training.epochs=", " training.learning_rate=1.0e-4"
DIGITS = {"tables": 4, "series": 1}
MODELS = ("pretrained", "pare", "finetune", "orca")
SHARES = ("0.00", "0.50", "1.00")  # of the tokens replaced


def main() -> None:
    """Collect the numbers of the analyses, or print the tables and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["collect", "show"])
    if parser.parse_args().command == "collect":
        _collect()
        return
    for name, table in tables().items():
        print(f"{name}\n\n{table}\n")
    FewFields.of(read_fits(FITS / "fields.csv")).figure().savefig(PROJECT / "research/figures/few_fields.png")


def tables() -> dict[str, str]:
    """All tables in Markdown, by their names."""
    fits = {path.stem: read_fits(path) for path in sorted(FITS.glob("*.csv"))}
    numbers = pd.read_csv(NUMBERS)
    return {
        "solved": _solved(fits),
        "random": _random(fits["tables"]),
        "tuning": _tuning(fits["tables"]),
        "series": _random_series(fits["series"]),
        "fields": fifth_table(fits["fields"]),
        "members": members_table(fits["fields"]),
        "muon": muon_table(fits["fields"]),
        "unseen": unseen_table(fits["fields"]),
        "planes": planes_table(fits["fields"]),
        "few": FewFields.of(fits["fields"]).table(),
        "distances": _numbers(numbers, "OTDD to the source", SHARES, ("no token", "half", "all")),
        "source": _numbers(
            numbers, "source classes kept", models := ("pretrained", "pare", "finetune", "orca"), models
        ),
        "landscape": _numbers(numbers, "mean rise of the loss", ("pare", "orca"), ("`pare`", "`orca`")),
        "minima": _numbers(numbers, "local minima of the landscape", ("pare", "orca"), ("`pare`", "`orca`")),
        "encoders": _encoders(pd.read_csv(ENCODERS)),
        "gate": _numbers(numbers, "spread of replaced shares", ("gate", "random"), ("by the gate", "at random")),
    }


def _solved(fits: dict[str, pd.DataFrame]) -> str:
    """From the solved start: PaRe and fine-tuning at about equal CPU time."""
    lines = []
    for kind, epochs, fractions in (
        ("tables", 8, (0.1, 0.3, 1.0)),
        ("series", 5, (0.5, 1.0)),
    ):
        finetune = f"finetune training.epochs={epochs}"
        own = _on_the_same_splits(fits[kind][fits[kind]["system"].isin(["probe", "pare", finetune])])
        kept = start_kept(own)
        for fraction in fractions:
            means, of = summary(own, kind, "pare", fraction), DIGITS[kind]
            them = [f"{means.loc[name, 'mean']:.{of}f}" for name in ("probe", finetune, "pare")]
            stayed = [
                f"{kept.loc[(name, fraction), 'kept']} of {kept.loc[(name, fraction), 'fits']}"
                for name in (finetune, "pare")
            ]
            lines.append(
                [
                    kind,
                    f"{100 * fraction:g} %",
                    _units(means.loc[finetune]),
                    *them,
                    against(means.loc[finetune]),
                    *stayed,
                ]
            )
    head = [
        "data",
        "rows",
        "sets × splits",
        "`probe`",
        "`finetune`",
        "`pare`",
        "PaRe won, level, lost",
        "fine-tuning kept the start",
        "PaRe kept it",
    ]
    return grid([head, *lines])


def _on_the_same_splits(fits: pd.DataFrame) -> pd.DataFrame:
    """The fits of splits that all of the systems have."""
    systems = fits.groupby(["data", "split", "fraction"])["system"].transform("nunique")
    return fits[systems == fits["system"].nunique()]


def _random(fits: pd.DataFrame) -> str:
    """From the paper's start: the reference is PaRe at the rate of this project's trainings from there."""
    mine = fits["settings"].isin(_settings("random_start", "random_start_variants")) | (fits["system"] == "probe")
    return _against_pare(fits[mine], f"pare {RANDOM}10", "rate", lambda settings: _rate(settings) if settings else "")


def _tuning(fits: pd.DataFrame) -> str:
    """What the paper leaves open, from its start: the reference is PaRe as in its table, at the better rate."""
    reference = f"{RANDOM}10{LOWER}"
    mine = fits["settings"].isin([*_settings("random_start_tuning"), reference, f"{RANDOM}20{LOWER}"])
    return _against_pare(fits[mine], f"pare {reference}", "changed", _changed)


def _random_series(fits: pd.DataFrame) -> str:
    """Series from the paper's start: the reference is PaRe with DINOv2, whose proxy are digits."""
    mine = fits["settings"].isin(_settings("random_start_series")) | (fits["system"] == "probe")
    reference = f"pare source.name=dinov2_small {RANDOM}10{LOWER}"
    return _against_pare(fits[mine & (fits["fraction"] == 1)], reference, "encoder", _encoder, "series", 1)


def _settings(*forms: str) -> list[str]:
    """The settings of all lines of forms, as `read_fits` has them."""
    lines = [line for form in forms for line in yaml.safe_load(FORMS.read_text())[form]]
    return [" ".join(sorted(line["settings"])) for line in lines]


def _rate(settings: str) -> str:
    return "1e-4" if LOWER in settings else "3e-4"


def _encoder(settings: str) -> str:
    """The encoder that the settings name, and the proxy where they do."""
    named = dict(one.split("=") for one in settings.split())
    proxy = f", proxy `{named['source.proxy']}`" if "source.proxy" in named else ""
    return f"`{named['source.name']}`{proxy}" if settings else ""


def _changed(settings: str) -> str:
    """The settings that are not of the start, the epochs or the rate."""
    return ", ".join(f"`{one}`" for one in settings.split() if one.startswith(("mixing.", "training.source_weight")))


def _against_pare(
    fits: pd.DataFrame,
    reference: str,
    title: str,
    describe: Callable[[str], str],
    kind: str = "tables",
    fraction: float = 0.3,
) -> str:
    """A line for each system, the best first: its mean metric and PaRe's on the same data sets and splits."""
    spec = KINDS[kind].spec
    means = summary(fits, kind, reference, fraction).sort_values("mean", ascending=spec.direction == "lower")
    lines = []
    for system, line in means.iterrows():
        method, _, settings = str(system).partition(" ")
        epochs = re.search(r"epochs=(\d+)", settings)
        lines.append(
            [
                f"`{method}`" if settings else "`probe`, for comparison",
                epochs[1] if epochs else "",
                describe(settings),
                _units(line),
                f"{line['mean']:.{DIGITS[kind]}f}",
                f"{line['reference_mean']:.{DIGITS[kind]}f}",
                "" if system == reference else tested(line),
                f"{line['cpu_seconds']:.0f}",
            ]
        )
    head = [
        "method",
        "epochs",
        title,
        "sets × splits",
        f"mean {'AUROC' if kind == 'tables' else spec.label}",
        "PaRe's on the same",
        "PaRe won, level, lost",
        "CPU s",
    ]
    return grid([head, *lines])


def _numbers(frame: pd.DataFrame, quantity: str, of: Sequence[str], heads: Sequence[str]) -> str:
    wide = frame[frame["quantity"] == quantity].pivot(index="task", columns="of", values="value")
    lines = [[f"`{task}`", *(f"{wide.loc[task, name]:.3g}" for name in of)] for task in wide.index]
    return grid([["table", *heads], *lines])


def _encoders(frame: pd.DataFrame) -> str:
    """Whether cheap scores of encoders order them as fine-tuning does: Kendall's τ within each data set."""
    cheap = {"probe": "the probe", "otdd_before": "OTDD", "otdd_after": "OTDD after ORCA's alignment"}
    starts = {"random_start": "the paper's start", "solved_start": "the solved start"}
    pretrained = frame[frame["weights"] == "pretrained"]
    groups = {
        "listed": frame[frame["kind"].isin(["tables", "series", "images"])],
        "pretrained ones of tables": pretrained[pretrained["kind"].eq("tables")],
        "pretrained ones of all tables": pretrained[pretrained["kind"].isin(["tables", "numbers", "others"])],
    }
    lines = []
    for name, part in groups.items():
        for score, title in cheap.items():
            for start, begun in starts.items():
                taus = part.groupby("data")[[score, start]].apply(_tau)
                signs = [int((np.sign(taus) == sign).sum()) for sign in (1, 0, -1)]
                p = wilcoxon(taus).pvalue if taus.any() else 1.0
                lines.append([name, title, begun, f"{taus.mean():.2f}", ", ".join(map(str, signs)), f"{p:.2g}"])
    head = ["encoders", "cheap score", "fine-tuning from", "mean τ", "data sets: as it, level, against it", "p"]
    return grid([head, *lines])


def _tau(pairs: pd.DataFrame) -> float:
    """Kendall's rank correlation of two columns; 0 where one of them is level."""
    return float(np.nan_to_num(kendalltau(*pairs.to_numpy().T).statistic))


def _units(line: pd.Series) -> str:
    """Data sets × splits."""
    return f"{line['data_sets']:.0f} × {line['pairs'] / line['data_sets']:.0f}"


def _collect() -> None:
    rows = [
        {"task": folder.relative_to(REPORTING).parts[0], "quantity": quantity, "of": of, "value": round(value, 4)}
        for folder in sorted(REPORTING.glob(ANALYSES))
        for quantity, of, value in (
            *_distances(pd.read_csv(folder / "distances.csv")),
            *_landscapes(pd.read_csv(folder / "landscape.csv")),
            *_source_features(pd.read_csv(folder / "source_features.csv")),
            *_patches(pd.read_csv(folder / "patches.csv")),
        )
    ]
    with atomic_path(NUMBERS) as unfinished:
        pd.DataFrame(rows).to_csv(unfinished, index=False, lineterminator="\n")
    print(pd.DataFrame(rows).to_string(index=False))


def _distances(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """OTDD from mixed samples to the source and to the target, by the share of tokens replaced."""
    for row in frame.itertuples():
        yield "OTDD to the source", f"{row.share:.2f}", row.to_source
        yield "OTDD to the target", f"{row.share:.2f}", row.to_target


def _landscapes(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """How many points of the plane, border left out, are below all eight neighbours, and how far the loss rises."""
    for method, points in frame.groupby("method"):
        loss = points.pivot(index="a", columns="b", values="loss").to_numpy()
        inner = loss[1:-1, 1:-1]
        size = len(loss)
        around = [
            loss[1 + i : size - 1 + i, 1 + j : size - 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)
        ]
        yield "local minima of the landscape", str(method), float((inner < np.min(around, axis=0)).sum())
        yield "mean rise of the loss", str(method), float(loss.mean() - loss[size // 2, size // 2])


def _source_features(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """Share of source samples whose nearest neighbours in the encoder's features have their class."""
    for encoder, rows in frame.groupby("encoder", sort=False):
        yield "source classes kept", str(encoder), rows["accuracy"].iloc[0]


def _patches(frame: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """Difference between the most and the least replaced feature, of all epochs that mix."""
    if "feature" in frame:
        for column in ("gate", "random"):
            shares = frame[frame["k"] > 0].groupby("feature")[column].mean()
            yield "spread of replaced shares", column, shares.max() - shares.min()


if __name__ == "__main__":
    main()
