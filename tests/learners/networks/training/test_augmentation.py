"""Random changes of training images and series against slow versions of themselves."""

import pytest
import torch

from pare.config.errors import PareError
from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.training.augmentation import (
    AUGMENTATIONS,
    augment,
    check_augmentation,
    crop,
    flip,
    jitter,
    spectrogram,
)


def draws(rows=2, seed=0):
    return Draws(Generators(torch.device("cpu"), seed), rows)


def test_a_crop_is_a_shift_by_at_most_an_eighth_with_zeros_moving_in():
    x = torch.rand(40, 3, 16, 32) + 1
    seen = set()
    for before, after in zip(x, crop(x, draws(len(x))), strict=True):
        shifts = []
        for down in range(-2, 3):
            for right in range(-4, 5):
                shifted = torch.zeros_like(before)
                rows, columns = slice(max(0, down), 16 + min(0, down)), slice(max(0, right), 32 + min(0, right))
                from_rows = slice(max(0, -down), 16 + min(0, -down))
                from_columns = slice(max(0, -right), 32 + min(0, -right))
                shifted[:, rows, columns] = before[:, from_rows, from_columns]
                if torch.equal(shifted, after):
                    shifts.append((down, right))
        assert len(shifts) == 1
        seen.add(shifts[0])
    assert len(seen) > 15


def test_about_half_of_the_images_are_mirrored_and_the_others_left_alone():
    x = torch.rand(400, 1, 2, 3)
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(flip(x, draws(len(x))), x, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(flip(x, draws(len(x))), x, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 160 < sum(mirrored) < 240


def test_bands_of_a_spectrogram_are_blanked_with_its_minimum():
    x = torch.rand(300, 1, 40, 50)
    y = spectrogram(x, draws(len(x)))
    changed = (x != y).squeeze(1)
    assert 100 < changed.flatten(1).any(1).sum() < 180  # half of them; a few bands are empty
    for before, after, where in zip(x, y, changed, strict=True):
        assert (after[0][where] == before.min()).all()
        full_rows, full_columns = where.float().mean(1) > 0.95, where.float().mean(0) > 0.95
        assert full_rows.sum() <= 2 * 0.15 * 40 + 2 and full_columns.sum() <= 2 * 0.2 * 50 + 2


def test_the_noise_of_a_series_is_a_twentieth_of_each_channels_spread_and_new_at_every_step():
    x = torch.randn(400, 2, 50) * torch.tensor([[1.0], [300.0]]) + 7
    noise = jitter(x, draws(len(x))) - x
    assert noise.std((0, 2)).tolist() == pytest.approx([0.05, 15], rel=0.02)
    assert noise.mean((0, 2)).abs().lt(torch.tensor([0.002, 0.6])).all()
    assert torch.corrcoef(noise[:, 0].T).triu(1).abs().max() < 0.25  # 400 rows: between steps, by chance


def test_a_channel_that_never_changes_keeps_its_value():
    assert torch.equal(jitter(torch.full((1, 1, 1), 3.0), draws(1)), torch.full((1, 1, 1), 3.0))


def test_a_change_that_does_not_suit_the_data_is_refused_with_those_that_do():
    check_augmentation(["crop", "flip"], "image")
    with pytest.raises(PareError, match=r"'flip' changes data of kind image, this task's is series.*\[jitter\]"):
        check_augmentation(["jitter", "flip"], "series")


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_the_same_seed_makes_the_same_changes_and_another_seed_others(name):
    x = torch.rand(20, 1, 16, 16)[:, 0] if name == "jitter" else torch.rand(20, 1, 16, 16)
    assert torch.equal(augment(x, [name], draws(20, 1)), augment(x, [name], draws(20, 1)))
    assert not torch.equal(augment(x, [name], draws(20, 1)), augment(x, [name], draws(20, 2)))


def test_without_names_nothing_changes():
    x = torch.rand(2, 1, 4, 4)
    assert augment(x, [], draws()) is x
