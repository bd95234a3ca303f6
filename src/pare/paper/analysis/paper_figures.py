"""Figures of what this package computes; each shows exactly the numbers of its table.

The figures are readable in black and white: curves differ in their style, groups of points in their marker.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from pare.evaluation.figures.canvas import Array, plain, short, titled_figure
from pare.paper.analysis.replaced_tokens import MOST_EPOCHS, evenly_chosen

STYLES = ("-", "--", "-.", ":")
MARKERS = "osD^vP*X<>"
COLOURS = ("black", "tab:blue", "tab:green", "tab:orange", "tab:purple", "tab:brown", "tab:pink", "tab:cyan")
LEVELS = 9  # lines of equal loss
WIDE = 20  # times the least loss, beyond which a linear axis would hide it
MOST_NAMES = 40
MOST_HATCHED = 256  # tokens; hatches of smaller patches would be grey

RED = (0.84, 0.15, 0.16, 0.4)  # colours what is replaced; the field shines through
SHARE = "share of tokens replaced, k/N"


def landscape_figure(table: pd.DataFrame, *, title: str, loss: str) -> Figure:
    """Lines of equal loss around each model, and the loss along the first direction (paper, figure 1a).

    Args:
        table: as `loss_landscapes` returns it.
        title: the heading.
        loss: what the loss is called.
    """
    methods = list(table["method"].unique())
    figure = titled_figure(4.6 * (len(methods) + 1), 4.6, title)
    axes = figure.subplots(1, len(methods) + 1)
    least, most = table["loss"].min(), table["loss"].max()
    levels = np.geomspace(least, most if most > least else 1.01 * least, LEVELS + 1)
    for ax, method, style in zip(axes, methods, STYLES, strict=False):
        part = table[table["method"] == method]
        square = part.pivot(index="b", columns="a", values="loss")
        norm = LogNorm(levels[0], levels[-1])
        ax.contourf(square.columns, square.index, square, levels, cmap="Greys", norm=norm, alpha=0.5)
        lines = ax.contour(square.columns, square.index, square, levels[1:-1], colors="black", linewidths=0.8)
        ax.clabel(lines, fmt="%.3g", fontsize="x-small")
        ax.plot(0, 0, "*", color="tab:red", markersize=12, markeredgecolor="white", label="trained model")
        ax.set(title=method, xlabel="direction 1 [filter norms]", ylabel="direction 2 [filter norms]", aspect="equal")
        ax.legend(loc="lower left", fontsize="small")
        cut = part[part["b"] == 0]
        axes[-1].plot(cut["a"], cut["loss"], style, color="black", marker=".", label=method)
    axes[-1].set(title="along direction 1", xlabel="direction 1 [filter norms]", ylabel=loss)
    if most > WIDE * least:
        axes[-1].set_yscale("log")
    axes[-1].grid(alpha=0.3)
    axes[-1].legend()
    return figure


def distances_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """OTDD from the mixed samples to source and target over the share of tokens replaced (paper, figure 1b).

    Args:
        table: as `dataset_distances` returns it.
        title: the heading.
    """
    figure = titled_figure(7, 4.4, title)
    ax = figure.subplots()
    ax.plot(table["share"], table["to_source"], "-o", color="black", label="to the source modality")
    ax.plot(table["share"], table["to_target"], "--s", color="tab:blue", label="to the target modality")
    ax.set(xlabel=SHARE, ylabel="OTDD from the mixed samples\n[squared distance of embeddings]", ylim=(0, None))
    ax.grid(alpha=0.3)
    ax.legend()
    return figure


def embeddings_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """A t-SNE map of target, mixed and source embeddings (paper, figure 1c).

    Args:
        table: as `project` returns it, the target's group first and the source's last.
        title: the heading.
    """
    groups = list(table["group"].unique())
    figure = titled_figure(8, 5.4, title)
    ax = figure.subplots()
    between = zip(MARKERS[1:], COLOURS[1:], strict=False)
    looks = {groups[0]: ("o", "black"), groups[-1]: ("x", "tab:red"), **dict(zip(groups[1:-1], between, strict=False))}
    for group in groups:
        part, (marker, colour) = table[table["group"] == group], looks[group]
        hollow = {} if marker in "ox" else {"facecolor": "none", "edgecolor": colour, "color": None}
        ax.scatter(part["x"], part["y"], 18, **{"color": colour} | hollow, marker=marker, linewidth=0.8, label=group)
    _map_axes(ax)
    figure.legend(loc="outside right center")
    return figure


def source_features_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """A t-SNE map of source samples' features for each encoder, one marker a class (paper, figure 6).

    Args:
        table: as `source_features` returns it.
        title: the heading.
    """
    encoders, labels = list(table["encoder"].unique()), sorted(table["label"].unique())
    columns = len(encoders) if len(encoders) <= 3 else 2
    rows = -(-len(encoders) // columns)
    figure = titled_figure(4.2 * columns + 2, 3.9 * rows + 0.6, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(encoders) :]:
        ax.remove()
    for ax, encoder in zip(axes, encoders, strict=False):
        part = table[table["encoder"] == encoder]
        for label, marker, colour in zip(labels, cycle(MARKERS), cycle(COLOURS)):
            points = part[part["label"] == label]
            ax.scatter(points["x"], points["y"], 16, color=colour, marker=marker, alpha=0.8, linewidth=0)
        ax.set_title(
            f"{encoder}\nclass told by 5 nearest neighbours: {part['accuracy'].iloc[0]:.0%}", fontsize="medium"
        )
        _map_axes(ax)
    for label, marker, colour in zip(labels, cycle(MARKERS), cycle(COLOURS)):
        axes[0].plot([], [], linestyle="", marker=marker, color=colour, label=short(label, 24))
    figure.legend(loc="outside right center", title="class of the source", fontsize="small")
    return figure


def _map_axes(ax: Axes) -> None:
    """Only neighbourhoods mean something on a t-SNE map: its axes have neither unit nor scale."""
    ax.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")


@dataclass(frozen=True)
class TokenGrid:
    """Where the tokens of a sample lie on its grid points.

    Attributes:
        grid: tokens along each axis.
        cell: grid points that a token covers along each axis.
    """

    grid: tuple[int, ...]
    cell: tuple[float, ...]


def patches_figure(table: pd.DataFrame, fields: Array, tokens: TokenGrid, *, title: str, channel: str) -> Figure:
    """Patches that the gate and chance replace in a few samples, at several epochs' k (paper, figures 4 and 7).

    Two rows a sample: the gate's choice next to the input, and a random choice next to the gate's scores.

    Args:
        table: as `replaced_patches` returns it.
        fields: one channel of each sample, ``(samples, L)`` or ``(samples, H, W)``.
        tokens: where the tokens lie.
        title: the heading.
        channel: what the channel is called.
    """
    epochs = list(table[["epoch", "k"]].drop_duplicates().itertuples(index=False, name=None))
    line = fields.ndim == 2
    width, height = (2.9, 1.5) if line else (2.1, 2.2)
    figure = titled_figure(width * (len(epochs) + 1) + 0.6, height * 2 * len(fields) + 0.7, title)
    axes = figure.subplots(2 * len(fields), len(epochs) + 1, squeeze=False)
    draw = _draw_line if line else _draw_image
    for sample, field in enumerate(fields):
        part, rows = table[table["sample"] == sample], axes[2 * sample : 2 * sample + 2]
        draw(rows[0, 0], field, tokens, None)
        _draw_scores(rows[1, 0], part[part["epoch"] == epochs[0][0]]["score"].to_numpy(), field, tokens)
        rows[0, 0].set_title(f"input: {plain(channel)}", fontsize="small")
        rows[1, 0].set_title("score of the gate", fontsize="small")
        for row, chooser in zip(rows, ("gate", "random"), strict=True):
            for ax, (epoch, k) in zip(row[1:], epochs, strict=True):
                draw(ax, field, tokens, part[part["epoch"] == epoch][chooser].to_numpy())
                ax.set_title(f"{chooser}, epoch {epoch}, k = {k}", fontsize="small")
    for ax in axes.flat:
        ax.tick_params(labelsize="x-small")
        if not line:
            ax.set(xticks=[], yticks=[])
    for ax in axes[-1] if line else []:
        ax.set_xlabel("grid point", fontsize="small")
    return figure


def _draw_image(ax: Axes, field: Array, tokens: TokenGrid, replaced: Array | None) -> None:
    """One field, ``(H, W)``, with the replaced tokens, ``(tokens,)``, hatched."""
    ax.imshow(field, cmap="gray")
    if replaced is not None:
        height, width = tokens.cell
        corners = [divmod(token, tokens.grid[1]) for token in np.flatnonzero(replaced)]
        cells = [Rectangle((column * width - 0.5, row * height - 0.5), width, height) for row, column in corners]
        hatch = "////" if replaced.size <= MOST_HATCHED else None
        ax.add_collection(PatchCollection(cells, facecolor=RED, edgecolor=(1, 1, 1, 0.9), linewidth=0.4, hatch=hatch))
    ax.set(xlim=(-0.5, field.shape[1] - 0.5), ylim=(field.shape[0] - 0.5, -0.5))


def _draw_line(ax: Axes, field: Array, tokens: TokenGrid, replaced: Array | None) -> None:
    """One series, ``(L,)``, with the replaced tokens, ``(tokens,)``, hatched."""
    ax.plot(field, color="black", linewidth=1)
    ax.set_xlim(-0.5, len(field) - 0.5)
    if replaced is not None:
        for first, last in _stretches(replaced):
            ends = (first * tokens.cell[0] - 0.5, last * tokens.cell[0] - 0.5)
            ax.axvspan(*ends, facecolor=RED, edgecolor="0.4", hatch="////", linewidth=0)


def _stretches(replaced: Array) -> list[tuple[int, int]]:
    """First token of each unbroken row of replaced ones, and the first after it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], replaced.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _draw_scores(ax: Axes, scores: Array, field: Array, tokens: TokenGrid) -> None:
    if len(tokens.grid) == 1:
        ax.stairs(scores, np.arange(len(scores) + 1) * tokens.cell[0] - 0.5, color="black", baseline=None)
        ax.set_xlim(-0.5, len(field) - 0.5)
        return
    image = ax.imshow(scores.reshape(tokens.grid), cmap="Greys")
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05)
    bar.ax.tick_params(labelsize="x-small")
    bar.ax.yaxis.set_major_locator(MaxNLocator(3))


def features_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """How often each feature of a table was replaced, by the gate and by chance, over the epochs (paper, figure 8).

    Args:
        table: as `replaced_features` returns it.
        title: the heading.
    """
    often = table.groupby("feature", sort=False)["gate"].mean().sort_values(kind="stable")
    features = list(often.index)
    named = len(features) <= MOST_NAMES
    figure = titled_figure(10, max(0.2 * len(features) + 1.8, 3.5) if named else 8, title)
    axes = figure.subplots(1, 2, sharey=True)
    epochs = table[["epoch", "k"]].drop_duplicates()
    most = max(table["gate"].max(), table["random"].max())
    for ax, chooser in zip(axes, ("gate", "random"), strict=True):
        shares = table.pivot(index="feature", columns="epoch", values=chooser).loc[features]
        image = ax.imshow(
            shares, cmap="Greys", vmin=0, vmax=most, aspect="auto", origin="lower", interpolation="nearest"
        )
        step = -(-len(epochs) // 8)
        labels = [f"{epoch}\nk = {k}" for epoch, k in epochs.itertuples(index=False, name=None)]
        ax.set_xticks(range(0, len(epochs), step), labels[::step])
        ax.set(xlabel="epoch", title={"gate": "chosen by the gate", "random": "chosen at random"}[chooser])
    names = [short(name, 24) for name in features] if named else []
    axes[0].set_yticks(range(len(features)) if named else [], names, fontsize="small")
    axes[0].set_ylabel("feature, most often replaced at the top")
    figure.colorbar(image, ax=list(axes), label="share of samples in which it was replaced")
    return figure


def scores_figure(table: pd.DataFrame, *, title: str) -> Figure:
    """Distribution of the gate's scores over target and source tokens, in a few epochs (paper, figure 8).

    Args:
        table: as `score_histograms` returns it.
        title: the heading.
    """
    epochs = evenly_chosen(list(table.groupby(["epoch", "k"])), MOST_EPOCHS)
    figure = titled_figure(max(2.4 * len(epochs) + 0.8, 5), 3.8, title)
    axes = figure.subplots(1, len(epochs), sharex=True, sharey=True, squeeze=False)[0]
    for ax, ((epoch, k), part) in zip(axes, epochs, strict=True):
        edges = np.append(part["left"], part["right"].iloc[-1])
        ax.stairs(part["target"], edges, color="0.8", fill=True, label="target tokens: the lowest are replaced")
        source = "source tokens: the highest replace"
        ax.stairs(part["source"], edges, color="tab:red", linestyle="--", linewidth=1.8, label=source)
        ax.set(xlabel="score of the gate", title=f"epoch {epoch}, k = {k}")
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("share of the modality's tokens")
    axes[0].set_ylim(bottom=0)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def starts_figure(table: pd.DataFrame, *, title: str, metric: str, command: str) -> Figure:
    """Result over the share of tokens replaced at first, mean and standard deviation of the seeds (paper, figure 5).

    Args:
        table: as `start_results` returns it.
        title: the heading.
        metric: what the metric is called, and which direction is better.
        command: what makes a run with another start; shown where there are fewer than two.
    """
    mixed = table[table["start"] > 0]
    if mixed["start"].nunique() < 2:
        found = ", ".join(f"{start:g}" for start in sorted(mixed["start"].unique())) or "none"
        figure = titled_figure(9, 2, title)
        said = f"Runs with at least two starts of k/N are needed; found: {found}. Make another:\n\n"
        figure.text(0.5, 0.4, said + "\n".join(textwrap.wrap(command, 90)), ha="center", va="center", fontsize="small")
        return figure
    figure = titled_figure(7.5, 4.6, title)
    ax = figure.subplots()
    for (method, part), style, marker, colour in zip(mixed.groupby("method"), STYLES, MARKERS, COLOURS, strict=False):
        summary = part.groupby("start")["test"].agg(["mean", "std", "count"])
        seeds = f"{summary['count'].min()}" if summary["count"].nunique() == 1 else _span(summary["count"])
        bars, label = summary["std"].fillna(0), f"{method} (seeds: {seeds})"
        ax.errorbar(
            summary.index, summary["mean"], bars, color=colour, linestyle=style, marker=marker, capsize=4, label=label
        )
    plain = table[table["start"] == 0]["test"]
    if len(plain):
        spread = plain.std() if len(plain) > 1 else 0.0
        ax.axhspan(plain.mean() - spread, plain.mean() + spread, color="0.88", zorder=0)
        ax.axhline(plain.mean(), color="0.4", linestyle=":", label=f"finetune (seeds: {len(plain)})")
    ax.set(xlabel="share of tokens replaced in the first epoch, k/N", ylabel=f"{metric}\nmean ± standard deviation")
    ax.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _span(counts: Sequence[int] | pd.Series) -> str:
    return f"{min(counts)} to {max(counts)}"
