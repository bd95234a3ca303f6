"""What several rooms' tests share: the shipped configuration, and encoders small enough to make on the spot."""

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
import transformers
from transformers import Dinov2Config, PretrainedConfig

from pare.config import Library, Run, resolve
from pare.config_loader import load_library
from pare.data.origins.ingest import ingest
from pare.data.preparation import ModelInput, Preparation
from pare.data.proxies import IMAGES, SENTENCES
from pare.data.registries import open_raw_files
from pare.report.results import collect_results
from pare.storage.store import ArrayStore
from shipped import CONF, config_loader
from tiny_encoders import save_encoder as save_tiny_encoder
from tiny_encoders import save_tiny_bert

NRMSE = {"name": "nrmse", "title": "nRMSE", "unit": "", "direction": "lower"}
AUROC = {"name": "auroc_ovo", "title": "AUROC, one-vs-one", "unit": "", "direction": "higher"}

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # of red, green and blue
PATIENCE_S = 30.0

# Tests that a shell began in the background may have signals ignored, as by nohup; so would be what they start.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, usual)

COMMANDS = ("end_to_end", "faults")  # folders of tests that run real commands

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than cores: real commands wait for a third of their time."""
    return 1 + (psutil.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first, so that no worker is left alone with one in the end."""
    items.sort(key=lambda item: item.path.parent.name not in COMMANDS)


@pytest.fixture(scope="session")
def conf() -> Path:
    """The project's configuration folder."""
    return CONF


@pytest.fixture(scope="session")
def library() -> Library:
    """Tasks, sources, proxies, starts and learners of conf/base."""
    return load_library(config_loader())


@pytest.fixture(scope="session")
def unprepared() -> Preparation:
    """That of a model which takes raw rows as they are."""
    return Preparation(None, None, None, seen={}, coordinates=False, statistics={})


@pytest.fixture
def parameters() -> dict:
    """The parameters of conf/base; a test may change them."""
    return dict(config_loader()["parameters"])


@pytest.fixture
def own_run(library, parameters) -> Callable[..., Run]:
    """The run of a task of one's own, called mine, and what else of the parameters is asked for."""

    def own_run(task: dict, overrides: dict | None = None, **asked: object) -> Run:
        entry = {"title": "mine", "raw": {"files": ["none"]}, **task}
        own = Library(**(library.model_dump() | {"tasks": {"mine": entry}}))
        return resolve(own, parameters | {"task": "mine", "method": "finetune", **asked}, overrides or {})

    return own_run


@pytest.fixture
def prepared(own_run, tmp_path) -> Callable[[dict], tuple[Run, ArrayStore]]:
    """Such a run and its model input, made of files in ``tmp_path``."""

    def prepared(task: dict) -> tuple[Run, ArrayStore]:
        run = own_run(task)
        (tmp_path / "pyproject.toml").touch()
        folder = tmp_path / "data" / "01_raw" / "mine"
        manifest = ingest(run.task.raw.active, folder)
        samples = open_raw_files(run.task.reader, folder)
        ModelInput("mine", run.task, samples, manifest.fingerprint, validated=True).write(tmp_path / "mine.h5")
        return run, ArrayStore(tmp_path / "mine.h5")

    return prepared


@pytest.fixture(scope="session")
def save_encoder() -> Callable[[PretrainedConfig, Path], Path]:
    """Make a Hugging Face model folder with random weights, the same every time."""
    return save_tiny_encoder


@pytest.fixture(scope="session")
def gone() -> Callable[[int], bool]:
    """Whether a process ends within a while."""

    def gone(process: int) -> bool:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                if psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
                    return True
            except psutil.NoSuchProcess:
                return True
            time.sleep(0.02)
        return False

    return gone


@pytest.fixture(scope="module")
def quick_training():
    """A patch for modules that train: a tenth of MiniRocket's features."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pare.learners.networks.models.series_features.FEATURES", 1000)
        yield


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """A BERT of width 32 with a WordPiece tokenizer that knows single letters."""
    return save_tiny_bert(tmp_path_factory.mktemp("tiny_bert"))


@pytest.fixture(scope="session")
def tiny_dinov2(tmp_path_factory, save_encoder) -> Path:
    """A DINOv2 of width 32 with positions for 4×4 patches of 14 pixels."""
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, mlp_ratio=2, image_size=56, patch_size=14
    )
    folder = tmp_path_factory.mktemp("tiny_dinov2")
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD})
    )
    return save_encoder(config, folder)


@pytest.fixture(scope="session")
def topics(tmp_path_factory) -> Path:
    """A text proxy of two topics, one written with the letters a to m, the other with n to z."""
    folder = tmp_path_factory.mktemp("topics")
    sentences = [
        {"text": " ".join([first, *letters[:3]]), "topic": topic}
        for topic, letters in (("early", "abcdefghijklm"), ("late", "nopqrstuvwxyz"))
        for first in letters
    ]
    (folder / SENTENCES).write_text(json.dumps(sentences))
    return folder


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """An image proxy of ten classes, of noise."""
    folder = tmp_path_factory.mktemp("digits")
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    np.savez(folder / IMAGES, images=images, labels=np.arange(20) % 10)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory, conf):
    """A project folder with the shipped configuration, as Kedro hands it to commands."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(conf / "base", folder / "conf" / "base")
    shutil.copytree(conf / "paper", folder / "conf" / "paper")
    (folder / "conf" / "local").mkdir()
    return SimpleNamespace(project_path=folder)


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Write the metrics.json of a run below ``tmp_path``, as evaluation does."""

    def write(task: str, method: str, seed: int, test: float, **changes: object) -> Path:
        metrics = {
            "task": task,
            "method": method,
            "variant": "",
            "source": "minilm",
            "proxy": "english_topics",
            "seed": seed,
            "protocol": "validated",
            "simulated": task.startswith("pdebench"),
            "metric": AUROC if task.startswith("openml") else NRMSE,
            "test": test,
            "validation": test,
            "constant_prediction": 0.5,
            "n_train": 810,
            "n_test": 100,
            "epochs": 5,
            "train_seconds": 100.0,
            "peak_memory_mb": 1000,
            "device": "cpu",
            "precision": "no",
            "paper": None,
        } | changes
        name = f"{method}-{metrics['variant']}" if metrics["variant"] else method
        differs = "-".join(f"{key}_{value}" for key, value in metrics.get("differs", {}).items())
        path = tmp_path / task / name / differs / f"seed_{seed}" / "metrics.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(metrics))
        return path

    return write


@pytest.fixture
def frame(tmp_path) -> Callable[[], pd.DataFrame]:
    """The results below ``tmp_path``, as one table; none may be broken."""

    def frame() -> pd.DataFrame:
        results = collect_results(tmp_path)
        assert not results.warnings
        return results.frame

    return frame
