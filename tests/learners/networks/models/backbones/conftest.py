"""A tiny encoder of every family, saved as a Hugging Face model folder."""

import pytest

from tiny_encoders import CONFIGS


@pytest.fixture(scope="session")
def encoder(tmp_path_factory, save_encoder, tiny_bert, tiny_dinov2):
    """Folder of a tiny encoder of a family."""
    folders = {"bert": tiny_bert, "dinov2": tiny_dinov2}

    def folder(family):
        if family not in folders:
            folders[family] = save_encoder(CONFIGS[family], tmp_path_factory.mktemp(family))
        return folders[family]

    return folder
