"""Downloads against a web server on this machine."""

import hashlib
import itertools
import json
import multiprocessing
import re
import resource
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from pare.config.errors import PareError
from pare.data.files import MADE_HERE
from pare.data.origins import download as module
from pare.data.origins.download import RemoteFile, download

DATA = b"real data " * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()
PAGE = b"\n <!DOCTYPE html><title>quota</title>"


class Handler(BaseHTTPRequestHandler):
    """Serves `server.content`; cuts each answer after as many bytes as `server.cuts` says, or stalls before its end."""

    def do_GET(self):
        server, content = self.server, {"/data": self.server.content, "/page": PAGE}.get(self.path)
        server.asked.append((self.path, self.headers.get("Range")))
        status = next(server.statuses, 200) if content else 403
        start, total = self._start(content or b"") if status == 200 else (0, 0)
        if start is None:
            status, content = 416, b""
        elif start:
            status = 206
        self.send_response(status)
        body = (content or b"")[start:] if status in (200, 206) else b""
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if server.tag:
            self.send_header("ETag", server.tag)
        self.end_headers()
        if server.stall and not server.stall.is_set():
            self.wfile.write(body[:-1])
            server.stall.wait(10)
            return
        self.wfile.write(body[: next(server.cuts, None)])

    def _start(self, content):
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not self.server.ranges or not wanted or self.headers.get("If-Range") != (self.server.if_range or ""):
            return 0, len(content)
        start = int(wanted[1])
        return (start if start < len(content) else None), len(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(module, "PAUSE", 0.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.content, server.ranges = [], DATA, True
        server.tag = server.if_range = '"1"'
        server.cuts, server.statuses, server.stall = iter(()), iter(()), None
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def visible(folder):
    """Names in a folder but that of the notes of what was made there."""
    return sorted(p.name for p in folder.iterdir() if p.name != MADE_HERE)


def bring(server, folder, path="data", **known):
    return download(folder, [RemoteFile(name="x.bin", url=f"{server.url}/{path}", **known)])


def break_off(server, folder, after=3000):
    """Leave a part of so many bytes behind, as a network that fails for good does."""
    server.cuts = itertools.chain([after], itertools.repeat(0))
    with pytest.raises(PareError, match=f"{after} bytes are kept in x.bin.part, the next run goes on from there"):
        bring(server, folder)
    assert (folder / "x.bin.part").read_bytes() == server.content[:after]
    server.cuts, server.asked = iter(()), []


@pytest.mark.parametrize("known", [{"sha256": SHA256}, {"md5": MD5, "bytes": len(DATA)}, {}])
def test_a_file_arrives_byte_for_byte_and_alone(server, tmp_path, known):
    assert bring(server, tmp_path, **known) == {"x.bin": f"{server.url}/data"}
    assert (tmp_path / "x.bin").read_bytes() == DATA
    assert visible(tmp_path) == ["x.bin"]


@pytest.mark.parametrize(
    "path, known, reason",
    [
        ("data", {"sha256": "0" * 64}, f"its sha256 is {SHA256}"),
        ("data", {"bytes": 7}, f"it has {len(DATA)} bytes"),
        ("page", {}, "web page"),
        ("absent", {}, "403"),
    ],
)
def test_a_wrong_answer_is_refused_at_once_and_nothing_is_left(server, tmp_path, path, known, reason):
    with pytest.raises(PareError, match=reason):
        bring(server, tmp_path, path, **known)
    assert len(server.asked) == 1
    assert not list(tmp_path.iterdir())


def test_an_interrupted_download_goes_on_within_the_same_run(server, tmp_path):
    server.cuts = iter((1000, 500))
    bring(server, tmp_path, sha256=SHA256)
    assert [wanted for _, wanted in server.asked] == [None, "bytes=1000-", "bytes=1500-"]
    assert visible(tmp_path) == ["x.bin"]


def test_the_next_run_asks_only_for_the_rest(server, tmp_path):
    break_off(server, tmp_path)
    bring(server, tmp_path)
    assert server.asked == [("/data", "bytes=3000-")]
    assert (tmp_path / "x.bin").read_bytes() == DATA
    assert visible(tmp_path) == ["x.bin"]


def test_a_file_that_was_whole_when_the_run_was_killed_is_not_asked_for_again(server, tmp_path):
    break_off(server, tmp_path)
    with (tmp_path / "x.bin.part").open("ab") as part:
        part.write(DATA[3000:])
    bring(server, tmp_path, sha256=SHA256)
    assert server.asked == []
    assert (tmp_path / "x.bin").read_bytes() == DATA


@pytest.mark.parametrize("honest", [True, False], ids=["if-range heeded", "if-range ignored"])
def test_a_file_that_changed_is_not_glued_to_its_old_beginning(server, tmp_path, honest):
    break_off(server, tmp_path)
    server.content, server.tag = b"other data " * 900, '"2"'
    server.if_range = server.tag if honest else '"1"'
    bring(server, tmp_path)
    assert (tmp_path / "x.bin").read_bytes() == server.content


def test_a_file_that_became_shorter_than_its_part_starts_anew(server, tmp_path):
    break_off(server, tmp_path)
    server.content = DATA[:2000]  # under the same ETag: the server answers 416
    bring(server, tmp_path)
    assert (tmp_path / "x.bin").read_bytes() == DATA[:2000]


def test_a_part_of_another_url_is_not_continued(server, tmp_path):
    break_off(server, tmp_path)
    version = json.loads((tmp_path / "x.bin.part.json").read_text())
    (tmp_path / "x.bin.part.json").write_text(json.dumps(version | {"url": "http://example.org/x"}))
    bring(server, tmp_path)
    assert server.asked == [("/data", None)]
    assert (tmp_path / "x.bin").read_bytes() == DATA


def test_a_server_without_ranges_starts_anew(server, tmp_path):
    server.ranges = False
    break_off(server, tmp_path)
    bring(server, tmp_path)
    assert server.asked == [("/data", "bytes=3000-")]
    assert (tmp_path / "x.bin").read_bytes() == DATA


@pytest.mark.parametrize("tag", [None, 'W/"1"'])
def test_a_server_that_cannot_tell_versions_apart_leaves_no_part(server, tmp_path, tag):
    server.tag, server.cuts = tag, itertools.repeat(3000)
    with pytest.raises(PareError, match="Incomplete"):
        bring(server, tmp_path)
    assert not list(tmp_path.iterdir())
    assert len(server.asked) == module.ATTEMPTS


def test_a_page_in_place_of_the_rest_does_not_destroy_the_part(server, tmp_path):
    break_off(server, tmp_path)
    server.content, server.tag, server.if_range = PAGE, '"2"', '"2"'
    with pytest.raises(PareError, match="web page"):
        bring(server, tmp_path)
    server.content, server.tag, server.if_range = DATA, '"1"', '"1"'
    bring(server, tmp_path, sha256=SHA256)
    assert server.asked[-1] == ("/data", "bytes=3000-")


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.statuses = iter((503, 429))
    bring(server, tmp_path, sha256=SHA256)
    assert len(server.asked) == 3


def test_a_run_that_is_killed_outright_leaves_what_came(server, tmp_path):
    server.content, server.stall = DATA * 300, threading.Event()
    killed = multiprocessing.get_context("fork").Process(target=bring, args=(server, tmp_path))
    killed.start()
    part, deadline = tmp_path / "x.bin.part", time.monotonic() + 10
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.join()
    server.stall.set()
    came = part.stat().st_size
    bring(server, tmp_path, sha256=hashlib.sha256(server.content).hexdigest())
    assert server.asked[-1] == ("/data", f"bytes={came}-")


def test_two_processes_do_not_mix_their_bytes(server, tmp_path):
    server.content = DATA * 300
    digest = hashlib.sha256(server.content).hexdigest()
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=bring, args=(server, tmp_path), kwargs={"sha256": digest}) for _ in range(3)]
    for process in others:
        process.start()
    for process in others:
        process.join()
    assert [process.exitcode for process in others] == [0, 0, 0]
    assert visible(tmp_path) == ["x.bin"]
    assert len(server.asked) == 1  # the others waited and found it there


def test_a_file_put_there_by_hand_is_kept_if_its_checksum_is_right(server, tmp_path):
    break_off(server, tmp_path)
    (tmp_path / "x.bin").write_bytes(DATA)
    bring(server, tmp_path, sha256=SHA256.upper())
    assert server.asked == []
    assert visible(tmp_path) == ["x.bin"]


def test_a_file_put_there_by_hand_with_the_wrong_checksum_is_refused_and_left(server, tmp_path):
    (tmp_path / "x.bin").write_bytes(DATA[:-1])
    with pytest.raises(PareError, match=f"x.bin is not the publisher's file .*{MD5}.*Move it away"):
        bring(server, tmp_path, md5=MD5)
    assert (tmp_path / "x.bin").read_bytes() == DATA[:-1]
    assert server.asked == []


def test_a_file_put_there_by_hand_while_another_came_is_left(server, tmp_path, monkeypatch):
    receive = module._receive

    def receive_slowly(*args):
        receive(*args)
        (tmp_path / "x.bin").write_bytes(b"precious")

    monkeypatch.setattr(module, "_receive", receive_slowly)
    with pytest.raises(PareError, match="left as it is"):
        bring(server, tmp_path, md5=MD5)
    assert (tmp_path / "x.bin").read_bytes() == b"precious"


def test_a_file_that_was_brought_before_is_fetched_again_where_the_publisher_has_a_new_one(server, tmp_path):
    bring(server, tmp_path, md5=MD5)
    server.content, server.tag = b"a new version", '"2"'
    bring(server, tmp_path, md5=hashlib.md5(server.content).hexdigest())
    assert (tmp_path / "x.bin").read_bytes() == server.content


def test_without_a_network_one_message_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    url = "http://127.0.0.1:9/x.bin"  # the discard port: nothing listens
    with pytest.raises(PareError) as error:
        download(tmp_path, [RemoteFile(name="x.bin", url=url, sha256=SHA256)])
    for part in (url, str(tmp_path / "x.bin"), SHA256):
        assert part in str(error.value)
    with pytest.raises(PareError, match="publisher gives no checksum"):
        download(tmp_path, [RemoteFile(name="x.bin", url=url)])


@pytest.mark.parametrize("content", [DATA, b"not it"], ids=["right", "wrong"])
def test_a_file_that_was_brought_before_is_linked_and_checked(server, tmp_path, monkeypatch, content):
    monkeypatch.setenv("PARE_FILES", str(tmp_path / "files"))
    (tmp_path / "files" / "ecg").mkdir(parents=True)
    (tmp_path / "files" / "ecg" / "x.bin").write_bytes(content)
    raw = tmp_path / "raw" / "ecg-env_paper"
    if content == DATA:
        bring(server, raw, sha256=SHA256)
        assert (raw / "x.bin").resolve() == tmp_path / "files" / "ecg" / "x.bin"
    else:
        with pytest.raises(PareError, match="is not the publisher's file"):
            bring(server, raw, sha256=SHA256)
    assert server.asked == [] and (tmp_path / "files" / "ecg" / "x.bin").read_bytes() == content


def test_files_that_no_program_may_fetch_are_named_together_before_anything_is_fetched(server, tmp_path):
    lists = [RemoteFile(name=n, url="https://example.org/page", by_hand=f"take {n}") for n in ("a.txt", "b.txt")]
    with pytest.raises(PareError, match=r"a.txt: take a.txt \(https://example.org/page\); b.txt: take b.txt .* Put"):
        download(tmp_path, [RemoteFile(name="x.bin", url=f"{server.url}/data"), *lists])
    assert server.asked == []
    for file in lists:
        (tmp_path / file.name).write_text("a list")
    download(tmp_path, lists)


def test_a_full_disk_is_named_and_what_came_is_gone_on_from(server, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(PareError, match=r"cannot write .*x.bin.part \(File too large\); free space .* 5000 bytes"):
            bring(server, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    bring(server, tmp_path, sha256=SHA256)
    assert server.asked[-1] == ("/data", "bytes=5000-")


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PareError, match=r"cannot write .*file/x.bin.part"):
        bring(server, tmp_path / "file")


def test_a_first_file_survives_the_failure_of_a_second(server, tmp_path):
    files = [RemoteFile(name=name, url=f"{server.url}/{name}") for name in ("data", "absent")]
    with pytest.raises(PareError, match="absent"):
        download(tmp_path, files)
    assert visible(tmp_path) == ["data"]


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
