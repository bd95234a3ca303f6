import json
from dataclasses import replace
from itertools import islice
from shutil import copytree
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import AutoTokenizer

from pare.config import PareError
from pare.data.proxies import IMAGES, ImageProxy, TextProxy, read_text_proxy
from pare.learners.networks.models import load_backbone
from pare.learners.networks.training.source_batches import (
    IGNORED,
    ImageBatches,
    PixelStatistics,
    SourceFolders,
    TextBatches,
    load_source_batches,
)

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet
IMAGENET = PixelStatistics(image_mean=MEAN.tolist(), image_std=STD.tolist())
TOKENS = 10


@pytest.fixture(scope="module")
def text(tiny_bert, topics):
    return TextBatches(read_text_proxy(topics), AutoTokenizer.from_pretrained(tiny_bert), TOKENS)


@pytest.fixture(scope="module")
def letters(tiny_bert):
    """Token ids of the first half of the alphabet and of the second."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    return [set(tokenizer.convert_tokens_to_ids(list(half))) for half in ("abcdefghijklm", "nopqrstuvwxyz")]


def take(batches, n, size, seed=0):
    return list(islice(batches.batches(size, np.random.default_rng(seed)), n))


def test_text_fills_every_slot_with_sentences_of_one_topic(text, letters):
    for ids, labels in take(text, 5, 8):
        assert ids.shape == (8, TOKENS)
        for row, label in zip(ids.tolist(), labels.tolist(), strict=True):
            assert set(row) <= letters[label]


def test_every_sentence_opens_a_row_before_any_opens_a_second(text):
    openings = np.concatenate([ids[:, 0] for ids, _ in take(text, 4, 13)])
    assert len(set(openings[:26])) == len(set(openings[26:])) == 26


def test_batches_stay_full_across_the_end_of_the_proxy_and_may_exceed_it(text):
    assert [len(ids) for ids, _ in take(text, 9, 7)] == [7] * 9
    assert len(take(text, 1, 60)[0][1]) == 60


def test_the_generator_decides_the_batches(text):
    one, same, other = (take(text, 3, 8, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for x, y in zip(one, same, strict=True) for a, b in zip(x, y, strict=True))
    assert not torch.equal(one[0][0], other[0][0])


def test_a_sentence_without_tokens_is_left_out(tiny_bert):
    proxy = TextProxy(["a b", ""], np.array([0, 1]), ["early", "late"])
    text = TextBatches(proxy, AutoTokenizer.from_pretrained(tiny_bert), TOKENS)
    assert set(take(text, 1, 8)[0][1].tolist()) == {0}


def image_proxy(images, masks=None):
    """Each image is a class of its own."""
    names = [str(i) for i in range(len(images))]
    return ImageProxy(
        len(images), images.__getitem__, names, np.arange(len(images)), None if masks is None else masks.__getitem__
    )


@pytest.fixture(scope="module")
def halves():
    """Black, then white, then white on the left half; three sizes. The masks are white, the last one's rim is void."""
    images = [np.zeros((28, 28, 3), np.uint8), np.full((20, 60, 3), 255, np.uint8), np.zeros((16, 32, 3), np.uint8)]
    images[2][:, :16] = 255
    masks = [(image[..., 0] > 0).astype(np.uint8) for image in images]
    masks[2][-4:] = 255
    return image_proxy(images, masks)


@pytest.fixture(scope="module")
def vision(tiny_dinov2):
    return load_backbone(tiny_dinov2, (4, 4))


def test_a_tokenizer_that_makes_no_tokens_is_refused_and_not_asked_forever(topics):
    proxy = read_text_proxy(topics)
    with pytest.raises(PareError, match=f"no token of any of the proxy's {len(proxy.texts)} sentences"):
        TextBatches(proxy, lambda texts, **_: {"input_ids": [[] for _ in texts]}, TOKENS)


def test_images_of_any_size_are_normalised_as_the_encoder_was_trained(halves, vision):
    ((pixels, labels),) = take(ImageBatches(halves, vision, IMAGENET, masks=False), 1, 3)
    assert pixels.shape == (3, 3, *vision.image_size)
    for label, white in ((0, 0.0), (1, 1.0)):
        image = pixels[labels.tolist().index(label)].numpy()
        expected = np.broadcast_to(((white - MEAN) / STD)[:, None, None], image.shape)
        np.testing.assert_allclose(image, expected, rtol=1e-5)


def test_colours_stay_and_are_resized_as_pillow_does(vision):
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    ((pixels, _),) = take(ImageBatches(image_proxy([image]), vision, IMAGENET, masks=False), 1, 1)
    height, width = vision.image_size
    expected = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)) / 255
    found = pixels[0].numpy() * STD[:, None, None] + MEAN[:, None, None]
    np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=1.01 / 255)


def test_masks_have_two_classes_on_a_grid_of_four_points_a_token_and_void_is_ignored(halves, vision):
    batches = ImageBatches(halves, vision, IMAGENET, masks=True)
    ((_, masks),) = take(batches, 1, 3)
    assert batches.classes is None
    assert masks.shape == (3, 16, 16)
    half = next(m for m in masks if (m == IGNORED).any())
    assert (half[:12, :8] == 1).all() and (half[:12, 8:] == 0).all() and (half[12:] == IGNORED).all()
    logits = torch.zeros(1, 2, 16, 16)
    logits[:, 1, 12:] = 1e4
    assert F.cross_entropy(logits, half[None]).item() == pytest.approx(np.log(2))


def test_a_line_of_tokens_before_an_image_encoder_has_masks_on_its_rectangle(halves, tiny_dinov2):
    batches = ImageBatches(halves, load_backbone(tiny_dinov2, (12,)), IMAGENET, masks=True)
    ((pixels, masks),) = take(batches, 1, 3)
    assert pixels.shape == (3, 3, 3 * 14, 4 * 14) and masks.shape == (3, 12, 16)


@pytest.fixture
def digits(tmp_path):
    """Ten black images on disk, and what the configuration says of them."""
    np.savez(tmp_path / IMAGES, images=np.zeros((10, 28, 28), np.uint8), labels=np.arange(10))
    return SimpleNamespace(title="digits", reader="images", labels="classes")


def test_a_subset_of_the_proxy_is_drawn_by_the_seed_and_keeps_all_classes_of_the_predictor(
    digits, tiny_dinov2, tmp_path, vision
):
    folders = SourceFolders(tiny_dinov2, tmp_path, ("", ""))
    drawn = [load_source_batches(digits, folders, vision, 4, seed) for seed in (0, 0, 1)]
    one, same, other = ({int(y) for _, labels in take(batches, 3, 4) for y in labels} for batches in drawn)
    assert len(one) == 4 and one == same != other
    assert drawn[0].classes == 10


def test_a_subset_of_sentences_is_drawn(tiny_bert, topics, letters):
    proxy = SimpleNamespace(title="topics", reader="sentences", labels="classes")
    folders = SourceFolders(tiny_bert, topics, ("", ""))
    batches = load_source_batches(proxy, folders, load_backbone(tiny_bert, (TOKENS,)), 5)
    assert len({int(first) for ids, _ in take(batches, 4, 5) for first in ids[:, 0]}) == 5


def test_more_samples_than_the_proxy_has_are_refused(digits, tiny_dinov2, tmp_path, vision):
    with pytest.raises(PareError, match=r"'digits' has 10 samples, source.samples asks for 11; ask for fewer"):
        load_source_batches(digits, SourceFolders(tiny_dinov2, tmp_path, ("", "")), vision, 11)


def test_a_proxy_of_another_modality_than_the_encoder_is_refused(digits, tiny_bert, tmp_path):
    with pytest.raises(
        PareError, match=r"'digits' holds images, which an encoder of text cannot take.* source.proxy=NAME"
    ):
        load_source_batches(digits, SourceFolders(tiny_bert, tmp_path, ("", "")), load_backbone(tiny_bert, (TOKENS,)))


def test_a_damaged_tokenizer_is_a_clear_error(topics, tiny_bert, tmp_path):
    folder = copytree(tiny_bert, tmp_path / "encoder")
    (folder / "tokenizer.json").write_text("{half")
    proxy = SimpleNamespace(title="topics", reader="sentences", labels="classes")
    with pytest.raises(PareError, match="holds no tokenizer that can be read"):
        load_source_batches(proxy, SourceFolders(folder, topics, ("", "")), load_backbone(folder, (TOKENS,)))


def test_labels_that_the_proxy_lacks_are_refused(monkeypatch, halves, tiny_dinov2, tmp_path, vision):
    reader = lambda _: replace(halves, mask=None)  # noqa: E731
    monkeypatch.setattr("pare.learners.networks.training.source_batches.find_proxy_reader", lambda name: reader)
    proxy = SimpleNamespace(title="flags", reader="flags", labels="mask")
    with pytest.raises(PareError, match="'flags' has no mask; give it labels: classes"):
        load_source_batches(proxy, SourceFolders(tiny_dinov2, tmp_path, ("", "")), vision)


def test_the_encoders_own_statistics_reach_its_images_and_the_fingerprint(digits, tiny_dinov2, tmp_path, vision):
    def source(mean, std):
        encoder = tmp_path / f"encoder_{mean}_{std}"
        copytree(tiny_dinov2, encoder)
        values = {"image_mean": [mean] * 3, "image_std": [std] * 3, "size": 224, "do_resize": True}
        (encoder / "preprocessor_config.json").write_text(json.dumps(values))
        return SourceFolders(encoder, tmp_path, ("encoder", "proxy"))

    half, other = source(0.5, 0.5), source(0.5, 0.25)
    for folders, black in ((half, -1.0), (other, -2.0)):
        ((pixels, _),) = take(load_source_batches(digits, folders, vision), 1, 2)
        assert pixels.unique().tolist() == [black]
    assert half.fingerprints != other.fingerprints
    assert half.fingerprints[:2] == other.fingerprints[:2] == ("encoder", "proxy")


def test_images_without_statistics_are_refused_and_sentences_need_none(
    digits, tiny_dinov2, tiny_bert, tmp_path, vision
):
    encoder = copytree(tiny_dinov2, tmp_path / "encoder")
    (encoder / "preprocessor_config.json").unlink()
    with pytest.raises(PareError, match=r"encoder has no preprocessor_config\.json.*--pipelines=ingest"):
        load_source_batches(digits, SourceFolders(encoder, tmp_path, ("", "")), vision)
    assert SourceFolders(tiny_bert, tmp_path, ("encoder", "proxy")).fingerprints == ("encoder", "proxy")
