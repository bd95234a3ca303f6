"""An ONNX file on disk."""

import logging

import pytest

from pare.datasets import OnnxDataset
from pare.export import OnnxModel


@pytest.fixture
def dataset(tmp_path):
    return OnnxDataset(str(tmp_path / "seed_0" / "model.onnx"))


def test_the_file_is_written_and_its_size_and_difference_are_told(dataset, caplog):
    assert not dataset.exists()
    with caplog.at_level(logging.INFO, logger="pare"):
        dataset.save(OnnxModel(b"onnx" * 50_000, "probabilities", 2.5e-7, 36))
    assert dataset.load().read_bytes() == b"onnx" * 50_000
    assert "model.onnx: 0.2 MB; on 36 rows its greatest difference from the model is 2.5e-07." in caplog.text
    assert [path.name for path in dataset.load().parent.iterdir()] == ["model.onnx"]
