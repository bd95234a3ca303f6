"""Loading an encoder out of a Hugging Face model folder, without a network."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from transformers.utils import logging

from pare.config.errors import INGEST, PareError
from pare.learners.networks.models.backbones.backbone import Backbone
from pare.learners.networks.models.backbones.families import FAMILIES

# What is compiled, in which precision, how outputs are returned and what a head predicts: no matter of the encoder.
NOT_OF_A_NETWORK = {"model_type", "dtype", "torch_dtype", "return_dict", "reference_compile"} | {
    *("num_labels", "id2label", "label2id", "out_features", "out_indices", "stage_names")
}
LARGEST = 2**20  # largest number that shapes a network; the largest vocabulary of a known family has 901,629 tokens


def load_backbone(
    folder: Path,
    grid: tuple[int, ...],
    initialisation: Literal["pretrained", "random"] = "pretrained",
    *,
    dropout: float = 0.0,
    layers: int | None = None,
    attention: str | None = None,
) -> Backbone:
    """Load a Hugging Face model folder, without a network.

    Args:
        folder: ``config.json`` and, for pretrained weights, ``model.safetensors``.
        grid: tokens along each axis.
        initialisation: pretrained weights, or the same network from random ones (torch's seed).
        dropout: probability of all dropout that the family has.
        layers: keep at most so many blocks, the first ones; none: all.
        attention: transformers' name of the way to compute attention; none: its own choice.

    Raises:
        PareError: where the folder is no model, its family is not known or has no dropout, or the grid does not fit.
    """
    config = _configuration(folder)
    family = FAMILIES[config.model_type]
    _set_dropout(config, family.dropout_names, dropout)
    if layers is not None:
        _shorten(config, layers)
    encoder = (_pretrained if initialisation == "pretrained" else _random)(folder, config, attention)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # the predictors pool for themselves
    return family(encoder.float(), grid)


def _configuration(folder: Path) -> Any:
    """The configuration in the folder, of the keys alone that shape the networks of a known family.

    A folder is a stranger's: other keys may name code, kernels or files that transformers would fetch or open.
    """
    from transformers import AutoConfig  # noqa: PLC0415

    try:
        written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = str(written["model_type"])
        if kind in FAMILIES and not written.get("quantization_config"):
            known = {*AutoConfig.for_model(kind).to_dict(), *FAMILIES[kind].older_names} - NOT_OF_A_NETWORK
            kept = {name: value for name, value in written.items() if name in known and not name.startswith("_")}
            for name, value in kept.items():
                if any(isinstance(n, int) and n > LARGEST for n in (value if isinstance(value, list) else [value])):
                    raise ValueError(f"{name} is {value}, at most {LARGEST:,} is possible")
            if "layer_types" in kept:  # a trained model may have fewer layers than these were written for
                kept["layer_types"] = kept["layer_types"][: kept.get("num_hidden_layers")]
            config = AutoConfig.for_model(kind, **kept)
            if hasattr(config, "reference_compile"):  # else ModernBERT of transformers 4 compiles itself on a GPU
                config.reference_compile = False
            return config
    except Exception as error:  # OSError, ValueError, or huggingface_hub's own for a value of the wrong type
        raise PareError(f"{folder} holds no Hugging Face model ({error}); run {INGEST}") from error
    if kind in FAMILIES:
        raise PareError(f"{folder} holds quantised weights, which are not read; use a source with the original ones")
    raise PareError(f"{folder} holds a model of type {kind!r}; known families: {', '.join(sorted(FAMILIES))}")


def _set_dropout(config: Any, names: tuple[str, ...], dropout: float) -> None:
    known = type(config)()  # a configuration that was read may hold keys that nothing uses
    unknown = [name for name in names if not hasattr(known, name)]
    if unknown:
        raise PareError(
            f"the installed transformers has no {', '.join(unknown)} in the configuration of {config.model_type}; "
            "install another version of it"
        )
    if dropout and not names:
        raise PareError(
            f"encoders of the family {config.model_type} have no dropout, training.dropout asks for {dropout}; set "
            "training.dropout=0 or use another source"
        )
    for name in names:
        setattr(config, name, dropout)


def _shorten(config: Any, layers: int) -> None:
    config.num_hidden_layers = min(layers, config.num_hidden_layers)
    if getattr(config, "layer_types", None):  # ModernBERT names the attention of each layer
        config.layer_types = config.layer_types[:layers]


def _pretrained(folder: Path, config: Any, attention: str | None) -> Any:
    from transformers import AutoModel  # noqa: PLC0415

    try:
        with _quietly():
            encoder, report = AutoModel.from_pretrained(
                folder,
                config=config,
                attn_implementation=attention,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
    except Exception as error:  # SafetensorError derives from nothing else
        raise PareError(
            f"the weights in {folder} cannot be read ({error}); delete the folder and ingest again"
        ) from error
    missing = [key for key in report["missing_keys"] if not key.startswith("pooler")]
    if missing:
        raise PareError(f"{folder} lacks weights: {', '.join(sorted(missing)[:5])}; a whole checkpoint was expected")
    return encoder


@contextmanager
def _quietly() -> Iterator[None]:
    """Without a bar for some megabytes, and without a list of the blocks that were left out on purpose."""
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()


def _random(folder: Path, config: Any, attention: str | None) -> Any:
    from transformers import AutoModel  # noqa: PLC0415

    try:
        return AutoModel.from_config(config, attn_implementation=attention, trust_remote_code=False)
    except (TypeError, ValueError) as error:
        raise PareError(
            f"{folder}/config.json describes no network ({error}); delete the folder and ingest again"
        ) from error


def checkpoint_activations(backbone: Backbone) -> None:
    """Keep only what enters each block of the encoder, and compute the rest again for the gradients.

    Raises:
        PareError: where the encoder's family does not have it.
    """
    encoder = backbone.encoder
    if not encoder.supports_gradient_checkpointing:
        raise PareError(
            f"encoders of the family {encoder.config.model_type} cannot compute their blocks twice; set "
            "training.activation_checkpointing=false, and a smaller training.batch_size with training.accumulation"
        )
    newer = getattr(encoder, "activation_checkpointing_enable", None)  # its name in later versions of transformers 5
    (newer or encoder.gradient_checkpointing_enable)({"use_reentrant": False})
