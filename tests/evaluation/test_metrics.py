from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import f1_score

from evaluated_runs import with_task, write_splits
from pare.config import resolve
from pare.config.errors import PareError
from pare.config.schema import DEFAULTS, OutputConfig
from pare.evaluation.binary import auroc, one_minus_ranking
from pare.evaluation.classification import error_percent, one_minus_f1
from pare.evaluation.metrics import METRICS, build_error, build_metric, check_classes, check_fields, mean_of_chunks
from pare.evaluation.scoring import sample_errors

OUTPUTS = {
    "classification": OutputConfig(kind="classification", shape=(4,)),
    "multilabel": OutputConfig(kind="multilabel", shape=(5,)),
    "regression": OutputConfig(kind="regression", shape=(2,)),
    "dense": OutputConfig(kind="dense", shape=(1, 6, 7)),
}
N = 53


def classes(draw):
    labels = np.arange(N) % 4
    return draw.normal(size=(N, 4)) + 1.5 * np.eye(4)[labels], labels, 9.0 * np.eye(4)[labels]


def labels(draw, shape=(5,)):
    truth = (draw.random((N, *shape)) < 0.4).astype(float)
    return draw.normal(size=truth.shape) + truth, truth, 2 * truth - 1


def numbers(draw, shape=(2,)):
    truth = draw.normal(3.0, 1.0, (N, *shape))
    return truth + draw.normal(0.0, 0.3, truth.shape), truth, truth.copy()


def distances(draw):
    """In Å, from each of 30 residues to each; about half of them contacts."""
    truth = draw.normal(8.0, 1.0, (N, 1, 30, 30))
    truth += np.swapaxes(truth, 2, 3) - 8.0
    return truth + draw.normal(0.0, 0.3, truth.shape), truth, truth.copy()


# Predictions somewhat better than chance, the truth, and a perfect prediction, by the kind of output. A field may hold
# numbers, masks, or distances of residues: a metric is tried on the first that it takes.
EXAMPLES = {
    "classification": [classes],
    "multilabel": [labels],
    "regression": [numbers],
    "dense": [
        lambda draw: numbers(draw, (1, 6, 7)),
        lambda draw: labels(draw, (1, 6, 7)),
        distances,
    ],
}
EVERY = [(name, kind) for name, spec in METRICS.items() for kind in spec.kinds]


def data(name, kind):
    refused = []
    for example in EXAMPLES[kind]:
        prediction, truth, perfect = example(np.random.default_rng(0))
        try:
            build_metric(name, OUTPUTS[kind])(prediction, truth)
        except (PareError, ValueError) as error:
            refused.append(str(error))
        else:
            return prediction, truth, perfect
    return pytest.fail(f"no example of kind {kind} suits metric {name}; add one to EXAMPLES. It refused: {refused}")


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_neither_batches_nor_the_order_of_the_rows_show(name, kind, monkeypatch):
    prediction, truth, _ = data(name, kind)
    whole = build_metric(name, OUTPUTS[kind])(prediction, truth)
    order = np.random.default_rng(1).permutation(N)
    assert build_metric(name, OUTPUTS[kind])(prediction[order], truth[order]) == pytest.approx(whole, rel=1e-12)
    monkeypatch.setattr("pare.evaluation.row_sums.BATCH_ROWS", 7)
    assert build_metric(name, OUTPUTS[kind])(prediction, truth) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_a_perfect_prediction_has_no_error_and_any_other_has(name, kind):
    prediction, truth, perfect = data(name, kind)
    metric, error = (build(name, OUTPUTS[kind]) for build in (build_metric, build_error))
    assert error(perfect, truth) == METRICS[name].error(metric(perfect, truth)) == pytest.approx(0, abs=1e-12)
    assert error(prediction, truth) == METRICS[name].error(metric(prediction, truth)) > 0.01
    assert (metric(perfect, truth) < metric(prediction, truth)) == (METRICS[name].direction == "lower")


@pytest.mark.parametrize(("name", "kind"), [pair for pair in EVERY if METRICS[pair[0]].relative])
def test_a_relative_error_does_not_know_the_unit_of_the_field(name, kind):
    prediction, truth, _ = data(name, kind)
    one, thousand = (build_metric(name, OUTPUTS[kind])(unit * prediction, unit * truth) for unit in (1, 1000))
    assert one == pytest.approx(thousand, rel=1e-12)
    assert one == pytest.approx(sample_errors(prediction, truth, relative=True).mean(), rel=1e-12)


@pytest.mark.parametrize(("name", "kind"), EVERY)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_predictions_that_are_not_finite_are_refused(name, kind, value):
    prediction, truth, _ = data(name, kind)
    prediction[(4, *[0] * (prediction.ndim - 1))] = value
    with pytest.raises(PareError, match="found 1 NaN or infinite"):
        build_metric(name, OUTPUTS[kind])(prediction, truth)


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_an_empty_test_set_is_an_error(name, kind):
    prediction, truth, _ = data(name, kind)
    with pytest.raises(PareError, match="found none"):
        build_metric(name, OUTPUTS[kind])(prediction[:0], truth[:0])


def test_auroc_over_all_samples_is_not_the_mean_of_two_halves():
    logits, labels, _ = data("auroc_ovo", "classification")
    halves = [
        build_metric("auroc_ovo", OUTPUTS["classification"])(logits[part], labels[part])
        for part in (slice(26), slice(26, None))
    ]
    whole = build_metric("auroc_ovo", OUTPUTS["classification"])(logits, labels)
    assert whole != pytest.approx(np.mean(halves), abs=1e-6)


@pytest.mark.parametrize("kind", DEFAULTS)
def test_the_metric_that_a_kind_of_output_has_by_default_suits_it(kind):
    build_metric(DEFAULTS[kind]["metric"], OUTPUTS[kind])


def test_unknown_metric_is_answered_with_the_nearest_name():
    with pytest.raises(PareError, match="Did you mean 'relative_l2'"):
        build_metric("relativ_l2", OUTPUTS["dense"])


def test_metric_that_does_not_suit_the_output_is_answered_with_those_that_do():
    with pytest.raises(PareError, match=r"suits classification, the task predicts multilabel; use one of one_minus_au"):
        build_metric("auroc_ovo", OUTPUTS["multilabel"])
    with pytest.raises(PareError, match="suits multilabel and dense, the task predicts classification; use one of err"):
        build_metric("one_minus_auroc", OUTPUTS["classification"])
    with pytest.raises(PareError, match="at least 2 classes, found 1"):
        build_metric("error_percent", OutputConfig(kind="classification", shape=(1,)))


def test_a_value_is_written_with_its_unit():
    assert METRICS["error_percent"].label == "error [%]"
    assert METRICS["error_percent"].text(6.25) == "error 6.25 %"
    assert METRICS["nrmse"].text(0.00123456) == "nRMSE 0.001235"


@pytest.mark.parametrize(("metric", "refused"), [("auroc_ovo", True), ("error_percent", False)])
def test_a_part_without_a_class_is_told_where_the_metric_needs_each(library, parameters, tmp_path, metric, refused):
    run = with_task(resolve(library, parameters | {"task": "openml_wdbc"}, {}), metric=metric)
    rows = {"x": np.zeros((4, 30), np.float32), "y": np.array([0, 1, 1, 0])}
    check_classes(run, write_splits(tmp_path / "whole.h5", train=rows, test=rows))
    lacking = write_splits(tmp_path / "lacking.h5", train=rows, test=rows | {"y": np.zeros(4, np.int64)})
    said = r"part 'test' has no row of class \[1\], metric auroc_ovo needs each"
    with pytest.raises(PareError, match=said) if refused else nullcontext():
        check_classes(run, lacking)


@pytest.mark.parametrize(
    ("measures", "refused"),
    [
        ({"metric": "relative_l2", "loss": "rmse"}, True),
        ({"metric": "rmse", "loss": "nrmse"}, True),
        ({"metric": "rmse", "loss": "rmse"}, False),
    ],
)
def test_fields_that_are_zero_are_told_where_an_error_is_a_share_of_them(
    library, parameters, tmp_path, measures, refused
):
    run = with_task(resolve(library, parameters | {"task": "darcy_flow"}, {}), **measures)
    fields = np.random.default_rng(0).normal(size=(5, 1, 85, 85)).astype(np.float32)
    fields[2, 0, 3:], fields[3] = np.nan, np.nan  # a field without any known point is not zero
    rows = {"x": np.zeros((5, 3, 85, 85), np.float32), "y": fields}
    check_fields(run, write_splits(tmp_path / "whole.h5", train=rows, test=rows))
    fields = fields.copy()
    fields[[1, 2], :, :3] = 0
    fields[1] = 0
    some = write_splits(tmp_path / "some.h5", train=rows, test=rows | {"y": fields})
    said = "zero everywhere in 2 of 5 test rows; say metric: rmse and loss: rmse"
    with pytest.raises(PareError, match=said) if refused else nullcontext():
        check_fields(run, some)


def classified(n, classes=4):
    draw = np.random.default_rng(0)
    labels = draw.integers(classes, size=n)
    return draw.normal(size=(n, classes)) + np.eye(classes)[labels], labels


@pytest.mark.parametrize("n", [700, 1000, 2300])
def test_a_short_last_chunk_counts_as_much_as_a_whole_one(n):
    logits, labels = classified(n)
    bounds = [(start, min(start + 1000, n)) for start in range(0, n, 1000)]
    chunks = [f1_score(labels[a:b], logits[a:b].argmax(axis=1), average="macro") for a, b in bounds]
    assert mean_of_chunks(logits, labels, metric=one_minus_f1(4)) == pytest.approx(1 - np.mean(chunks), rel=1e-6)
    assert mean_of_chunks(logits, labels, metric=one_minus_f1(4)) == pytest.approx(1 - np.mean(chunks), rel=1e-6)


def test_whole_chunks_of_a_mean_over_samples_change_nothing():
    logits, labels = classified(2000)
    whole = error_percent(4)(logits, labels)
    assert mean_of_chunks(logits, labels, metric=error_percent(4)) == pytest.approx(whole, rel=1e-12)


def test_a_label_without_positives_in_a_chunk_is_left_out_of_that_chunk():
    draw = np.random.default_rng(0)
    labels = (draw.random((1500, 2)) < 0.1).astype(np.float32)
    labels[1000:, 1] = 0
    logits = (draw.normal(size=labels.shape) + labels).astype(np.float32)
    metric = partial(one_minus_ranking, ranking=auroc, pooled=False)
    first, second = metric(logits[:1000], labels[:1000]), metric(logits[1000:, :1], labels[1000:, :1])
    assert mean_of_chunks(logits, labels, metric=metric) == pytest.approx((first + second) / 2, rel=1e-12)
