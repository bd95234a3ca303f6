"""Files of a source, and what a publisher says of an encoder's images, against what numpy makes of it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pare.config import PareError
from pare.data.origins.manifest import RawFolder
from pare.learners.source_folders import SourceFolders, read_pixel_statistics

# As published with google/vit-base-patch16-224-in21k and microsoft/swin-base-patch4-window7-224-in22k.
VIT_IN21K = {
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "size": 224,
}
SWIN = VIT_IN21K | {
    "feature_extractor_type": "ViTFeatureExtractor",
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
}


def folder(path, content):
    (path / "preprocessor_config.json").write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    "content", [VIT_IN21K, SWIN, SWIN | {"do_rescale": True, "rescale_factor": 0.00392156862745098}]
)
def test_each_channel_is_normalised_by_its_own_statistics(tmp_path, content):
    image = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
    expected = (image / 255 - np.reshape(content["image_mean"], (3, 1, 1))) / np.reshape(
        content["image_std"], (3, 1, 1)
    )
    found = read_pixel_statistics(folder(tmp_path, content)).normalise(torch.from_numpy(image))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_the_examples_encoder_gets_minus_one_for_black_and_one_for_white(tmp_path):
    image = torch.tensor([0, 255], dtype=torch.uint8).expand(1, 3, 1, 2)
    found = read_pixel_statistics(folder(tmp_path, VIT_IN21K)).normalise(image)
    assert found[0, :, 0].tolist() == [[-1, 1]] * 3


def test_a_missing_file_is_told_with_what_to_do(tmp_path):
    with pytest.raises(PareError, match=r"has no preprocessor_config\.json.*ingest.*option 'id'.*image_std"):
        read_pixel_statistics(tmp_path)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"image_mean": [0.5]}, "image_mean"),
        ({"image_std": [0.5, 0.5, 0]}, "image_std"),
        ({"image_std": None}, "image_std"),
        ({"do_normalize": False}, "do_normalize"),
        ({"do_rescale": False}, "do_rescale"),
        ({"rescale_factor": 1 / 127.5}, "rescale_factor"),
    ],
)
def test_another_normalisation_is_refused_by_its_key(tmp_path, changes, key):
    with pytest.raises(PareError, match=rf"asks for another normalisation than PaRe knows \({key}.*divided by 255"):
        read_pixel_statistics(folder(tmp_path, VIT_IN21K | changes))


@pytest.mark.parametrize("text", ["", "{half", "[]", "\0"])
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(PareError, match="another normalisation"):
        read_pixel_statistics(tmp_path)


def test_a_source_is_decided_by_both_manifests_and_by_how_pixels_are_normalised(tmp_path):
    (text, image) = (tmp_path / name for name in ("text", "image"))
    image.mkdir()
    proxy = RawFolder(tmp_path, SimpleNamespace(fingerprint="proxy", files=[]))
    found = []
    for path, content in ((text, None), (image, VIT_IN21K), (image, SWIN), (image, SWIN | {"size": 384})):
        if content:
            folder(path, content)
        source = SourceFolders.of(RawFolder(path, SimpleNamespace(fingerprint="encoder", files=[])), proxy)
        found.append(source.fingerprints)
    assert found[0] == ("encoder", "proxy")
    assert found[1][:2] == found[2][:2] == found[0]
    assert found[1] != found[2] == found[3]
