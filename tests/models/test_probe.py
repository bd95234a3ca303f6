"""The probe: what each head takes, and how their predictions are averaged."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pare.config.errors import PareError
from pare.config.schema import StartConfig, Task
from pare.models import load_backbone
from pare.models.probe import RawColumns, build_probe, combined

LAYERS = [1, 2]


def task(shape: list[int], kind: str = "classification", outputs: int = 3) -> Task:
    return Task.model_validate(
        {
            "title": "t",
            "raw": {"files": ["x.npy"]},
            "reader": {"name": "arrays"},
            "samples": {"all": 100},
            "input": {"shape": shape},
            "output": {"kind": kind, "shape": [outputs]},
        }
    )


def start(**values) -> StartConfig:
    return StartConfig.model_validate({"source": "any", "layers": LAYERS, **values})


def loader(folder):
    return lambda grid, layers: load_backbone(folder, grid, layers=layers)


def test_raw_columns_are_those_of_a_linear_model():
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(5, 2, 40), rng.integers(0, 3, 40)].astype(np.float32)
    raw = RawColumns(2, [0, 3])
    raw.scaling.calibrate(x)
    features = raw(torch.from_numpy(x)).numpy()
    assert features.shape[1] == raw.width
    np.testing.assert_allclose(features[:, 0], StandardScaler().fit_transform(x[:, :1])[:, 0], atol=1e-5)
    np.testing.assert_array_equal(features[:, 2:5], OneHotEncoder(sparse_output=False).fit_transform(x[:, 1:]))
    gap = raw(torch.tensor([[float("nan"), float("nan")]]))
    assert gap.tolist() == [[0, 1, 0, 0, 0, 1]]


def test_a_table_has_a_head_for_each_scaling_and_layer_and_each_takes_the_raw_columns(tiny_bert):
    probe = build_probe(task([5]), start(scalings=["standard", "robust"]), loader(tiny_bert)).eval()
    x = torch.randn(7, 5)
    blocks = probe.features(x)
    assert [block.shape for block in blocks] == [(7, 32 + probe.raw.width)] * 4
    for block in blocks:
        torch.testing.assert_close(block[:, 32:], probe.raw(x))
    assert probe(x).shape == (7, 3)


def test_a_series_has_mean_and_maximum_of_each_tile(tiny_dinov2):
    probe = build_probe(task([3, 40]), start(), loader(tiny_dinov2)).eval()
    x = torch.randn(2, 3, 40)
    view = probe.views[0]
    mosaic = view.picture.mosaic
    states = probe.backbone.encode_layers(view.tokens(x, probe.backbone), LAYERS)[0]
    rows, columns = mosaic.tile
    grid = states.unflatten(1, mosaic.grid)
    block = probe.features(x)[0].unflatten(1, (2, 32, mosaic.tiles))
    for i in range(mosaic.tiles):
        row, column = divmod(i, mosaic.columns)
        tile = grid[:, row * rows : (row + 1) * rows, column * columns : (column + 1) * columns].flatten(1, 2)
        torch.testing.assert_close(block[:, 0, :, i], tile.mean(1))
        torch.testing.assert_close(block[:, 1, :, i], tile.amax(1))


def test_nothing_of_a_probe_is_trainable(tiny_bert):
    assert not any(p.requires_grad for p in build_probe(task([5]), start(), loader(tiny_bert)).parameters())


def test_series_need_an_image_encoder(tiny_bert):
    with pytest.raises(PareError, match="use an image encoder"):
        build_probe(task([1, 40]), start(), loader(tiny_bert))


@pytest.mark.parametrize(
    ("kind", "inverse"),
    [
        ("classification", lambda p: p.log()),
        ("multilabel", lambda p: p.logit()),
        ("regression", lambda p: p),
    ],
)
def test_heads_are_averaged_as_probabilities_or_numbers(kind, inverse):
    p = torch.softmax(torch.randn(3, 5, 4), -1)
    torch.testing.assert_close(combined(inverse(p), kind), inverse(p.mean(0)), atol=1e-5, rtol=1e-4)
