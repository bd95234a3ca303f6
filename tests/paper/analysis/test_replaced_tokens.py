from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from pare.paper.analysis.replaced_tokens import (
    replaced_at_random,
    replaced_by_gate,
    replaced_features,
    replaced_patches,
    score_histograms,
    shown_epochs,
    start_results,
)

SCORES = np.random.default_rng(0).random((5, 8)).astype(np.float32)


def test_the_gate_gives_up_the_tokens_of_lowest_score():
    lowest = SCORES.argsort(1)[:, :3]
    expected = np.zeros(SCORES.shape, bool)
    np.put_along_axis(expected, lowest, True, axis=1)
    np.testing.assert_array_equal(replaced_by_gate(SCORES, 3), expected)
    assert not replaced_by_gate(SCORES, 0).any()
    assert replaced_by_gate(SCORES, 8).all()


def test_chance_takes_k_tokens_of_each_row_and_none_more_often_than_another():
    chosen = replaced_at_random(4000, 8, 2, torch.Generator().manual_seed(0))
    assert (chosen.sum(1) == 2).all()
    assert np.abs(chosen.mean(0) - 0.25).max() < 0.03


def test_epochs_that_are_shown_replaced_something_and_hold_the_first_and_the_last_of_these():
    history = [{"epoch": epoch, "k": max(0, 9 - epoch)} for epoch in range(1, 13)]
    shown = shown_epochs(history)
    assert len(shown) == 5
    assert (shown[0], shown[-1]) == ((1, 8), (8, 1))
    assert shown_epochs([{"epoch": 1, "k": 0}]) == []
    assert shown_epochs([{"epoch": 1, "k": 3}, {"epoch": 2, "k": 0}]) == [(1, 3)]


def test_the_table_of_patches_has_k_of_each_kind_in_each_sample_and_epoch():
    table = replaced_patches(SCORES, [(1, 4), (3, 2)], seed=0)
    counts = table.groupby(["epoch", "k", "sample"])[["gate", "random"]].sum()
    assert (counts["gate"] == counts.index.get_level_values("k")).all()
    assert (counts["random"] == counts.index.get_level_values("k")).all()
    first = table[(table["epoch"] == 1) & (table["sample"] == 2)]
    np.testing.assert_array_equal(first["score"], SCORES[2])


def test_the_table_of_features_repeats_the_record_and_chance():
    replaced = [[0.9, 0.1, 0.5], [0.2, 0.1, 0.0]]
    history = [{"epoch": 1, "k": 2}, {"epoch": 2, "k": 0}]
    table = replaced_features(replaced, history, ["a", "b", "c"], 2000, seed=0)
    np.testing.assert_array_equal(table["gate"].to_numpy().reshape(2, 3), replaced)
    chance = table["random"].to_numpy().reshape(2, 3)
    np.testing.assert_allclose(chance[0], 2 / 3, atol=0.05)
    np.testing.assert_array_equal(chance[1], 0)


def counted(scores):
    """As a training counts them: 500 bins over 0..1."""
    return np.histogram(scores, 500, (0, 1))[0].tolist()


def test_histograms_hold_every_token_of_the_epochs_that_replaced_one():
    target, source = SCORES / 20 + 0.4, SCORES[:2] / 40 + 0.4
    counts = [[counted(target), counted(source)], [counted(target + 0.02), counted(source)], [[0] * 500, [0] * 500]]
    table = score_histograms(counts, [{"epoch": 1, "k": 5}, {"epoch": 2, "k": 2}, {"epoch": 3, "k": 0}])
    assert sorted(table["epoch"].unique()) == [1, 2]
    for epoch, shift in ((1, 0), (2, 0.02)):
        part = table[table["epoch"] == epoch]
        assert len(part) <= 30
        edges = np.append(part["left"], part["right"].iloc[-1])
        assert edges[0] <= source.min() and edges[-1] >= target.max() + 0.02
        np.testing.assert_allclose(part["target"], np.histogram(target + shift, edges)[0] / target.size, atol=1e-12)
        np.testing.assert_allclose(part["source"], np.histogram(source, edges)[0] / source.size, atol=1e-12)


def test_scores_of_0_and_1_are_counted():
    counts = np.zeros((1, 2, 500), int)
    counts[0, :, [0, -1]] = 3
    table = score_histograms(counts.tolist(), [{"epoch": 1, "k": 5}])
    np.testing.assert_allclose(table[["target", "source"]].sum(), 1)
    assert (table["left"].min(), table["right"].max()) == (0, 1)


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
