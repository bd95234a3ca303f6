"""The files of the paper's matrix in one folder, on a machine without a network."""

import socket

import openml
import pytest
from kedro.config import OmegaConfigLoader

from pare.config import PareError, resolve
from pare.config_loader import load_library
from pare.data.origins import download
from pare.data.origins.ingest import ingest
from pare.settings import CONFIG_LOADER_ARGS

# Of a run of the paper's: what it needs, and the publisher's files in the folder.
FILES = {
    ("deepsea", "raw"): ["deepsea/deepsea_filtered.npz"],
    ("deepsea", "proxy"): ["conll2003/conll2003.zip"],
    ("deepsea", "encoder"): [f"roberta_base/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json")],
    ("openml_wdbc", "raw"): ["openml/1510.arff"],
}


@pytest.fixture(scope="module")
def paper(conf):
    """The library of the paper's environment."""
    return load_library(OmegaConfigLoader(conf_source=str(conf), env="paper", **CONFIG_LOADER_ARGS))


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def refuse(*_args, **_options):
        raise OSError("network is unreachable")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setattr(openml.config, "get_cache_directory", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(("task", "kind"), FILES)
def test_each_file_is_found_in_its_place_and_a_missing_one_is_told_with_it(paper, tmp_path, monkeypatch, task, kind):
    run = resolve(paper, {"task": task, "method": "pare", "seed": 0, "protocol": "paper", "start": "random"}, {})
    raw = {"raw": run.task.raw.active, "encoder": run.source.encoder, "proxy": run.proxy.raw}[kind]
    folder, files = tmp_path / "01_raw" / run.places[kind], tmp_path / "files"
    monkeypatch.setenv("PARE_FILES", str(files))
    brought = [files / name for name in FILES[task, kind]]
    with pytest.raises(PareError, match=rf"put .* into {brought[0].parent}[;) ]"):
        ingest(raw, folder)
    for path in brought:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("@RELATION t\n@ATTRIBUTE Class {x,y}\n@DATA\nx\ny\n" if path.suffix == ".arff" else path.name)
    monkeypatch.setattr(openml.datasets, "get_dataset", lambda *_, **__: pytest.fail("OpenML is asked"))
    manifest = ingest(raw, folder)
    found = {(folder / record.name).read_bytes() for record in manifest.files if record.name != "dataset.json"}
    assert found == {path.read_bytes() for path in brought}
