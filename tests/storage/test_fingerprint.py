"""Same inputs, same fingerprint; other inputs, another."""

import hashlib
import json
import subprocess
import sys
from itertools import combinations

import pytest

from pare.config.schema import SplitConfig
from pare.storage.fingerprint import file_digest, fingerprint


def test_it_is_the_head_of_the_sha256_of_sorted_json():
    text = json.dumps(["darcy", {"a": 1, "b": [2, None]}], sort_keys=True, separators=(",", ":"))
    assert fingerprint("darcy", {"b": [2, None], "a": 1}) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_a_model_counts_as_its_content():
    assert fingerprint(SplitConfig(test=0.5)) == fingerprint({"test": 0.5, "validation": 0.1, "stratified": False})


def test_whatever_differs_tells():
    parts = [(), (1,), (1.5,), ("1",), (True,), (None,), (1, 2), (2, 1), ([1, 2],), ({"a": 1},), ({"a": 2},), ("",)]
    assert all(fingerprint(*a) != fingerprint(*b) for a, b in combinations(parts, 2))


def test_it_is_the_same_in_every_process():
    code = "from pare.storage.fingerprint import fingerprint; print(fingerprint('a', {'x': 1.5, 'é': [None]}))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == fingerprint("a", {"é": [None], "x": 1.5})


def test_what_json_cannot_hold_is_a_programming_error():
    with pytest.raises(TypeError):
        fingerprint(object())


@pytest.mark.parametrize("size", [0, 1, 3 << 20])
@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_file_is_digested_by_its_whole_content(tmp_path, size, algorithm):
    content = bytes(i % 251 for i in range(size))
    (tmp_path / "file").write_bytes(content)
    assert file_digest(tmp_path / "file", algorithm) == hashlib.new(algorithm, content).hexdigest()
