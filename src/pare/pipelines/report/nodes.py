"""Nodes of the report pipeline."""

import logging
from pathlib import Path

from pare.report.results import Results, collect_results

logger = logging.getLogger(__name__)


def collect_runs(folder: Path) -> Results:
    """Read the metrics of all runs; those that cannot be read are named."""
    results = collect_results(folder)
    for warning in results.warnings:
        logger.warning(warning)
    logger.info("%d runs found in %s.", len(results.frame), folder)
    return results
