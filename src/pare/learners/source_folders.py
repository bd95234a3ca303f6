"""The files of a source, a pretrained encoder and its proxy dataset, and how the encoder takes pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, Field, PositiveFloat, ValidationError
from torch import Tensor

from pare.config.errors import INGEST, PareError
from pare.data.files import PREPROCESSOR
from pare.data.origins.manifest import RawFolder
from pare.storage.fingerprint import fingerprint

EXAMPLE = '{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'


class PixelStatistics(BaseModel):
    """Mean and standard deviation of red, green and blue, which go from 0 to 1.

    Other fields are those with which Hugging Face describes an encoder that takes other numbers.
    """

    image_mean: tuple[float, float, float]
    image_std: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    do_normalize: Literal[True] = True
    do_rescale: Literal[True] = True
    rescale_factor: float = Field(default=1 / 255, gt=1 / 256, lt=1 / 254)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Bytes ``(batch, 3, height, width)`` to the numbers that the encoder takes."""
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (self.image_mean, self.image_std))
        return pixels.div(255).sub_(mean).div_(std)


def read_pixel_statistics(encoder: Path) -> PixelStatistics:
    """Read them from an encoder's folder.

    Raises:
        PareError: where the file is missing, or asks for something else than subtracting a mean and dividing by a
            standard deviation.
    """
    path = encoder / PREPROCESSOR
    try:
        return PixelStatistics.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise PareError(
            f"{encoder} has no {PREPROCESSOR}, so it is not known how the images of this encoder's pretraining were "
            f"normalised; delete the folder and run {INGEST}. If the encoder was published "
            f"without it, bring the encoder from a local folder (option 'id') to which you add one such as {EXAMPLE}"
        ) from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PareError(
            f"{path} asks for another normalisation than PaRe knows ({wrong}); expected bytes divided by 255, minus "
            f"image_mean, divided by image_std, such as {EXAMPLE}. Use another source, or correct the file where the "
            f"encoder came from, delete {encoder} and run {INGEST}"
        ) from error


@dataclass(frozen=True)
class SourceFolders:
    """Where a source's files are.

    Attributes:
        encoder: the pretrained encoder, a Hugging Face model folder.
        proxy: the proxy dataset.
        manifests: fingerprints of both manifests.
    """

    encoder: Path
    proxy: Path
    manifests: tuple[str, str]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What of the source decides a model: both manifests, and how an image encoder's pixels are normalised."""
        if not (self.encoder / PREPROCESSOR).exists():
            return self.manifests
        # A manifest has the fingerprint of a request, such as a name on the hub, not of the files that came.
        return (
            *self.manifests,
            fingerprint(read_pixel_statistics(self.encoder).model_dump(include={"image_mean", "image_std"})),
        )

    @classmethod
    def of(cls, encoder: RawFolder, proxy: RawFolder) -> "SourceFolders":
        """The folders as ingestion left them; PareError where a file was changed since."""
        encoder.check()
        proxy.check()
        return cls(encoder.path, proxy.path, (encoder.fingerprint, proxy.fingerprint))
