from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from pare.config import PareError
from pare.models import load_backbone
from pare.raw.proxies import IMAGES, ImageProxy, TextProxy, read_text_proxy
from pare.training.source_batches import ImageBatches, SourceFolders, TextBatches, load_source_batches

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet
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


@pytest.fixture(scope="module")
def images():
    """Blank paper, then full ink, then ink on the left half."""
    images = np.zeros((3, 28, 28), dtype=np.uint8)
    images[1], images[2, :, :14] = 255, 255
    return ImageProxy(images, np.array([0, 1, 2]), ["0", "1", "2"])


@pytest.fixture(scope="module")
def vision(tiny_dinov2):
    return load_backbone(tiny_dinov2, (4, 4))


def test_images_are_normalised_as_the_encoder_was_trained(images, vision):
    ((pixels, labels),) = take(ImageBatches(images, vision, masks=False), 1, 3)
    assert pixels.shape == (3, 3, *vision.image_size)
    for label, ink in ((0, 0.0), (1, 1.0)):
        image = pixels[labels.tolist().index(label)].numpy()
        np.testing.assert_allclose(image, np.broadcast_to(((ink - MEAN) / STD)[:, None, None], image.shape), rtol=1e-5)


def test_masks_have_two_classes_on_a_grid_of_four_points_a_token(images, vision):
    batches = ImageBatches(images, vision, masks=True)
    ((_, masks),) = take(batches, 1, 3)
    assert batches.classes is None
    assert masks.shape == (3, 16, 16)
    half = next(m for m in masks if 0 < m.sum() < m.numel())
    assert (half[:, :8] == 1).all()
    assert (half[:, 8:] == 0).all()


def test_a_proxy_of_another_modality_than_the_encoder_is_refused(images, tiny_bert, tmp_path):
    np.savez(tmp_path / IMAGES, images=images.images, labels=images.labels)
    proxy = SimpleNamespace(title="digits", reader="images", labels="classes")
    with pytest.raises(PareError, match=r"'digits' holds images, which TextBackbone cannot take"):
        load_source_batches(proxy, SourceFolders(tiny_bert, tmp_path, ("", "")), load_backbone(tiny_bert, (TOKENS,)))
