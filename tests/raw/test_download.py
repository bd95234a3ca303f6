"""Downloads against a web server on this machine."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from pare.config.errors import PareError
from pare.raw.download import RemoteFile, download

DATA = b"real data " * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = {"/data": DATA, "/page": b"\n <!DOCTYPE html><title>quota</title>", "/cut": DATA}.get(self.path)
        self.server.asked.append(self.path)
        self.send_response(200 if content else 403)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write((content or b"")[: 100 if self.path == "/cut" else None])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("known", [{"sha256": SHA256}, {"md5": MD5, "bytes": len(DATA)}, {}])
def test_a_file_arrives_byte_for_byte(server, tmp_path, known):
    url = f"{server.url}/data"
    assert download(tmp_path, [RemoteFile(name="x.bin", url=url, **known)]) == {"x.bin": url}
    assert (tmp_path / "x.bin").read_bytes() == DATA


@pytest.mark.parametrize(
    "path, known, reason",
    [
        ("data", {"sha256": "0" * 64}, f"its sha256 is {SHA256}"),
        ("data", {"bytes": 7}, f"it has {len(DATA)} bytes"),
        ("page", {}, "web page"),
        ("absent", {}, "403"),
        ("cut", {}, "Incomplete|Chunked"),
    ],
)
def test_a_wrong_answer_is_refused_and_nothing_is_left(server, tmp_path, path, known, reason):
    with pytest.raises(PareError, match=reason):
        download(tmp_path, [RemoteFile(name="x.bin", url=f"{server.url}/{path}", **known)])
    assert not list(tmp_path.iterdir())


def test_a_file_put_there_by_hand_is_kept_if_its_checksum_is_right(server, tmp_path):
    (tmp_path / "x.bin").write_bytes(DATA)
    download(tmp_path, [RemoteFile(name="x.bin", url=f"{server.url}/data", sha256=SHA256.upper())])
    assert server.asked == []


def test_a_standing_file_with_the_wrong_checksum_is_fetched_again(server, tmp_path):
    (tmp_path / "x.bin").write_bytes(DATA[:-1])
    download(tmp_path, [RemoteFile(name="x.bin", url=f"{server.url}/data", md5=MD5)])
    assert (tmp_path / "x.bin").read_bytes() == DATA


def test_without_a_network_one_message_says_what_to_put_where(tmp_path):
    url = "http://127.0.0.1:9/x.bin"  # the discard port: nothing listens
    with pytest.raises(PareError) as error:
        download(tmp_path, [RemoteFile(name="x.bin", url=url, sha256=SHA256)])
    for part in (url, str(tmp_path / "x.bin"), SHA256):
        assert part in str(error.value)
    with pytest.raises(PareError, match="publisher gives no checksum"):
        download(tmp_path, [RemoteFile(name="x.bin", url=url)])


def test_a_first_file_survives_the_failure_of_a_second(server, tmp_path):
    files = [RemoteFile(name=name, url=f"{server.url}/{name}") for name in ("data", "absent")]
    with pytest.raises(PareError, match="absent"):
        download(tmp_path, files)
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../x"},
        {"name": "a/b"},
        {"name": "manifest.json"},
        {"url": "file:///etc/passwd"},
        {"md5": "12"},
        {"sha1": "12"},
    ],
)
def test_names_urls_and_checksums_are_validated(wrong):
    with pytest.raises(ValidationError):
        RemoteFile(**({"name": "x", "url": "https://example.org/x"} | wrong))
