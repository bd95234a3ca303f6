"""Results over the share of tokens replaced at first."""

from types import SimpleNamespace

import pandas as pd
import pytest

from pare.paper.analysis.starts import start_results


@pytest.fixture
def line(run):
    """A line of the results of all runs, by default of the plain run."""

    def line(test, **changes):
        same = {"task": run.task_name, "metric": run.metric, "protocol": run.protocol, "variant": "", "seed": 0}
        source = {"source": run.source_name, "proxy": run.proxy_name, "differs": ""}
        plain = {"method": "pare", "start": None, "folder": run.folder, "test": test}
        return same | source | plain | changes

    return line


def test_runs_that_differ_in_their_start_are_found_with_the_start_of_their_command_or_model(run, line):
    results = [
        line(0.3),
        line(0.31, seed=1, folder="a model that is not there"),
        line(0.1, variant="start_10", start=0.1),
        line(0.5, variant="start_10", start=0.1, method="pare_random_patches"),
        line(0.4, method="finetune"),
        line(0.0, variant="half"),
        line(0.0, method="mixup"),
        line(0.0, variant="start_50", start=0.5, metric="mae"),
        line(0.0, variant="start_70", start=0.7, protocol="paper"),
        line(0.0, variant="start_80", start=0.8, task="another"),
        line(0.0, variant="start_90", start=0.9, source="another"),
        line(0.0, variant="start_95", start=0.9, differs="samples 50"),
    ]
    mixing = run.mixing.model_copy(update={"start": 0.25})
    saved = {run.folder: lambda: SimpleNamespace(run=run.model_copy(update={"mixing": mixing}))}
    table = start_results(run, pd.DataFrame(results), saved)
    assert {tuple(line) for line in table.itertuples(index=False)} == {
        ("pare", "", 0, 0.25, 0.3),
        ("pare", "start_10", 0, 0.1, 0.1),
        ("pare_random_patches", "start_10", 0, 0.1, 0.5),
        ("finetune", "", 0, 0.0, 0.4),
    }


def test_no_results_give_an_empty_table(run, line):
    assert start_results(run, pd.DataFrame(columns=line(0.0).keys()), {}).empty
