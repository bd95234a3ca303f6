"""Readers of the files that the benchmarks' publishers wrote."""
