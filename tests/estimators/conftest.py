"""Encoders that are small enough for many fits, in place of those that the shipped configuration names."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_wine
from transformers import Dinov2Config

from pare.data.files import PREPROCESSOR
from pare.data.origins.manifest import RawFolder
from pare.learners.networks.start.heads import solve_head

LAYERS = 10  # one more than is read of images


@pytest.fixture(scope="session")
def tiny_files(tiny_bert, tiny_dinov2, save_encoder, topics, digits, tmp_path_factory):
    """Folders of encoders and proxies by their place."""
    config = Dinov2Config.from_pretrained(tiny_dinov2, num_hidden_layers=LAYERS)
    deep = save_encoder(config, tmp_path_factory.mktemp("deep_dinov2"))
    shutil.copy(tiny_dinov2 / PREPROCESSOR, deep)
    return {
        "encoders/minilm": tiny_bert,
        "encoders/dinov2_small": deep,
        "proxies/english_topics": topics,
        "proxies/mnist_digits": digits,
    }


@pytest.fixture(autouse=True)
def tiny_encoders(monkeypatch, tiny_files):
    """Give each fit the tiny files and two penalties in place of five."""
    monkeypatch.setitem(solve_head.__kwdefaults__, "penalties", (0.1, 10.0))

    def tiny(raw, place):
        return RawFolder(tiny_files[place], SimpleNamespace(fingerprint=place, files=[]))

    monkeypatch.setattr("pare.estimators.in_memory.cached_folder", tiny)


@pytest.fixture(scope="module")
def wine():
    """Rows of three cultivars, with a column of text, missing values and an index of its own."""
    frame, cultivar = load_wine(return_X_y=True, as_frame=True)
    frame["colour"] = np.where(frame["color_intensity"] > 5, "dark", "light")
    frame["old"] = frame["proline"] > 700
    frame.loc[3, "colour"], frame.loc[5, "ash"] = None, np.nan
    order = np.random.default_rng(0).permutation(len(frame))
    return frame.iloc[order], cultivar.map({0: "barolo", 1: "grignolino", 2: "barbera"}).iloc[order]
