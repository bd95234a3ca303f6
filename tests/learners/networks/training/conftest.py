"""A small table, its run and its source."""

from small_table import source, table, table_run, train

__all__ = ["source", "table", "table_run", "train"]
