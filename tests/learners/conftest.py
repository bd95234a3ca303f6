"""A small table, its run and its source."""

from small_table import no_timing, source, table, table_run, train

__all__ = ["no_timing", "source", "table", "table_run", "train"]
