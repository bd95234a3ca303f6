"""The drawing of docs/how_it_works.md: docs/how_it_works.svg.

    python benchmarks/how_it_works.py

Sixteen tokens of a target and of a source sample with scores drawn at random, mixed by the functions of the package:
the drawing shows what they do.
"""

from pathlib import Path

import matplotlib
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from pare import Curriculum, replace_patches

TOKENS, EPOCHS = 16, 5
TARGET, SOURCE, GREY = "#e07b39", "#3b6fb6", "#555555"
OUTPUT = Path(__file__).parents[1] / "docs/how_it_works.svg"


def draw_tokens(ax: Axes, y: float, colours: list[str], scores: torch.Tensor, left: float = 0.0) -> None:
    """A row of tokens; the greater a score, the stronger its colour."""
    for i, (colour, score) in enumerate(zip(colours, scores.tolist(), strict=True)):
        box = FancyBboxPatch((left + i, y), 0.8, 0.8, boxstyle="round,pad=0,rounding_size=0.15", lw=0)
        box.set(facecolor=colour, alpha=0.3 + 0.7 * score)
        ax.add_patch(box)


def draw_mixing(ax: Axes) -> None:
    """A sample of the proxy and one of the task, and below them their mixture in each epoch."""
    generator = torch.Generator().manual_seed(2)
    target_scores, source_scores = (torch.rand(1, TOKENS, generator=generator) for _ in range(2))
    # the score of a token is its only number, so that a mixed token tells which one it was
    target, source = target_scores[..., None], source_scores[..., None]
    curriculum = Curriculum(start=0.75, epochs=EPOCHS)
    for y, name, scores, colour in (
        (8.5, "a sample of the proxy", source_scores, SOURCE),
        (7.1, "a sample of the task", target_scores, TARGET),
    ):
        draw_tokens(ax, y, [colour] * TOKENS, scores[0])
        ax.text(-0.4, y + 0.4, name, ha="right", va="center", color=colour, weight="bold")
    ax.text(16.4, 8.2, "strong colour:\nhigh score of the gate", va="center", color=GREY, fontsize=9)
    for epoch in range(EPOCHS):
        k, y = curriculum.tokens(epoch, TOKENS), 5.2 - 1.25 * epoch
        mixed, replaced = replace_patches(target, source, target_scores, source_scores, k, noise=False)
        colours = [SOURCE if taken else TARGET for taken in replaced[0].tolist()]
        draw_tokens(ax, y, colours, mixed[0, :, 0])
        ax.text(-0.4, y + 0.4, f"epoch {epoch + 1}: k = {k}", ha="right", va="center", color=GREY)


def main() -> None:
    """Draw."""
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=(-7.2, 23.2), ylim=(-0.6, 9.6), aspect="equal")
    ax.axis("off")
    draw_mixing(ax)
    ax.annotate("", (-6.6, 0.3), (-6.6, 6.0), arrowprops={"arrowstyle": "->", "color": GREY})
    ax.text(
        16.4,
        3.1,
        "→ pretrained encoder\n→ both predictions:\n    the task's, the proxy's",
        va="center",
        color=GREY,
        fontsize=9,
    )
    ax.plot([-7, 22], [6.5, 6.5], color="#cccccc", lw=0.8)
    with matplotlib.rc_context({"svg.hashsalt": "pare", "svg.fonttype": "path"}):
        figure.savefig(OUTPUT, metadata={"Date": None}, bbox_inches="tight")


if __name__ == "__main__":
    main()
