"""Published files that are missing or damaged: what to run is said of each alike."""

from functools import partial

import pytest

from pare.config.errors import PareError
from pare.paper.readers.audio import fsd50k_chunks
from pare.paper.readers.images import cifar100_python, spherical_cifar100
from pare.paper.readers.proteins import protein_distances
from pare.paper.readers.sequences import deepsea_npz, ecg_challenge2017, ninapro_npy, satellite_npy
from publisher_files import (
    write_cifar100,
    write_deepsea,
    write_ecg,
    write_ninapro,
    write_psicov,
    write_satellite,
    write_spherical,
)
from publisher_sounds import write_fsd50k


@pytest.mark.parametrize(
    ("reader", "write", "name"),
    [
        (cifar100_python, partial(write_cifar100, rows=2), "cifar-100-python.tar.gz"),
        (spherical_cifar100, partial(write_spherical, rows=2), "s2_cifar100.gz"),
        (ninapro_npy, write_ninapro, "ninapro_test.npy"),
        (ninapro_npy, write_ninapro, "label_train.npy"),
        (ecg_challenge2017, write_ecg, "challenge2017.pkl"),
        (satellite_npy, write_satellite, "satellite_test.npy"),
        (deepsea_npz, write_deepsea, "deepsea_filtered.npz"),
        (protein_distances, partial(write_psicov, rows=1), "protein.zip"),
        (fsd50k_chunks, partial(write_fsd50k, clips=1), "audio.zip"),
    ],
)
def test_missing_and_damaged_files_say_what_to_run(tmp_path, reader, write, name):
    write(tmp_path)
    content = (tmp_path / name).read_bytes()
    harmed = [content[: len(content) // 2], content[:-1], b"<html>not found</html>", b""]
    harmed += [content[:-4] + b"1234"] if name.endswith(".gz") else []  # the checksum
    archive = "cannot be read as an archive " if name.endswith(".zip") else ""
    for damaged in harmed:
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(PareError, match=rf"{name}.*{archive}.*--pipelines=ingest"):
            reader(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(PareError, match=rf"no file {name} .*--pipelines=ingest"):
        reader(tmp_path)
