"""Tiny runs of every kind of learner, and what else is done with them, in a project of their own."""

from pathlib import Path

CONF = Path(__file__).parents[2] / "conf"
# Numbers that differ from run to run, and the digests of skops files, which hold the time.
VOLATILE = ("second", "memory", "retrieved", "versions", "files", "written")
# Of files that show such numbers, hold the time, or note a file twice, only that they are there counts.
SHOWN = (".png", ".html", ".md", ".skops", ".cbm", ".svg", ".sha256")
