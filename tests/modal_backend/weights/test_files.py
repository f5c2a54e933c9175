"""Weights: only the right file is ever used, a broken download goes on, a mirror needs no network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from modal_backend.errors import BackendUnavailable, WeightsMissing
from modal_backend.registry import MODELS
from modal_backend.weights import files
from modal_backend.weights.fetch import fetch
from modal_backend.weights.published import WeightFile

CONTENT = bytes(range(256)) * 2000
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Publisher:
    """A web server with one file. break_after: bytes after which it hangs up, once each; headers: more to send."""

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    asked: list[str] = field(default_factory=list)
    record: bytes = b""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    behaviour = Publisher()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            behaviour.asked.append(self.headers.get("Range", ""))
            if self.path == "/moved":
                self.send_response(302)
                for name, value in {"Location": "/file", "Content-Length": "0", **behaviour.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                return
            content = behaviour.record if self.path == "/record" else behaviour.content
            if behaviour.status and self.path != "/record":
                self.send_response(behaviour.status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = 0
            wanted = self.headers.get("Range")
            if wanted and behaviour.ranges:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                self.send_response(206 if start < len(content) else 416)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            body = content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if behaviour.break_after:
                self.wfile.write(body[: behaviour.break_after.pop(0)])
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()
            else:
                self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    behaviour.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield behaviour
    server.shutdown()
    server.server_close()


@pytest.fixture
def file(publisher: Publisher) -> WeightFile:
    return WeightFile("net/weights.pt", f"{publisher.url}/file", "md5", MD5, len(CONTENT))


def test_a_file_is_fetched_once_and_found_afterwards(publisher, file, tmp_path):
    assert "fetched" in fetch(file, tmp_path)
    found = files.find(file, tmp_path)
    assert (found.path.read_bytes(), found.sha256, found.own) == (CONTENT, SHA, False)
    assert "there already" in fetch(file, tmp_path)
    assert len(publisher.asked) == 1
    assert sorted(path.name for path in (tmp_path / "net").iterdir()) == ["weights.pt"]


def test_a_download_that_breaks_off_goes_on_where_it_ended(publisher, file, tmp_path):
    publisher.break_after = [100_000, 50_000]
    fetch(file, tmp_path, pause=0.01)
    assert files.find(file, tmp_path).sha256 == SHA
    assert publisher.asked == ["", "bytes=100000-", "bytes=150000-"]


def test_what_came_before_the_program_ended_is_not_fetched_again(publisher, file, tmp_path):
    part = tmp_path / "net" / "weights.pt.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:300_000])
    steps: list[tuple[int, int | None]] = []
    fetch(file, tmp_path, progress=lambda done, total: steps.append((done, total)))
    assert publisher.asked == ["bytes=300000-"]
    assert steps[-1] == (len(CONTENT), len(CONTENT))


def test_a_publisher_that_cannot_resume_is_read_from_the_start(publisher, file, tmp_path):
    publisher.ranges, publisher.break_after = False, [100_000]
    fetch(file, tmp_path, pause=0.01)
    assert files.find(file, tmp_path).sha256 == SHA


def test_a_rest_of_another_file_is_thrown_away_and_fetched_anew(publisher, file, tmp_path):
    part = tmp_path / "net" / "weights.pt.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 400_000)
    fetch(file, tmp_path, pause=0.01)
    assert files.find(file, tmp_path).sha256 == SHA
    assert publisher.asked == ["bytes=400000-", ""]


def test_a_rest_that_is_longer_than_the_file_is_thrown_away(publisher, file, tmp_path):
    part = tmp_path / "net" / "weights.pt.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * (len(CONTENT) + 5))
    fetch(file, tmp_path, pause=0.01)
    assert files.find(file, tmp_path).sha256 == SHA


def test_another_file_under_the_address_is_refused_and_leaves_nothing_behind(publisher, file, tmp_path):
    publisher.content = b"something else" * 1000
    with pytest.raises(WeightsMissing, match=r"is not net/weights\.pt"):
        fetch(file, tmp_path, pause=0.01)
    assert list((tmp_path / "net").iterdir()) == []


@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty", "longer"])
def test_a_damaged_file_is_refused_and_fetched_again(publisher, file, tmp_path, damage):
    flipped = CONTENT[:5000] + bytes([CONTENT[5000] ^ 1]) + CONTENT[5001:]
    wrong = {"truncated": CONTENT[:-1], "one bit": flipped, "empty": b"", "longer": CONTENT + b"x"}[damage]
    place = tmp_path / "net" / "weights.pt"
    place.parent.mkdir()
    place.write_bytes(wrong)
    with pytest.raises(WeightsMissing) as caught:
        files.find(file, tmp_path)
    assert "weights fetch net" in caught.value.remedy
    fetch(file, tmp_path)
    assert files.find(file, tmp_path).sha256 == SHA


def test_a_file_nothing_vouches_for_is_refused(tmp_path):
    file = WeightFile("own/checkpoint.pth")
    with pytest.raises(WeightsMissing, match="is not in"):
        files.find(file, tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "checkpoint.pth").write_bytes(CONTENT)
    with pytest.raises(WeightsMissing, match="nothing says which hash") as caught:
        files.find(file, tmp_path)
    assert "sha256sum own/checkpoint.pth >> SHA256SUMS" in caught.value.remedy
    (tmp_path / "SHA256SUMS").write_text(f"{SHA}  own/checkpoint.pth\n")
    assert files.find(file, tmp_path).own


def test_a_mirror_may_vouch_for_weights_of_its_own_and_is_held_to_it(file, tmp_path):
    place = tmp_path / "net" / "weights.pt"
    place.parent.mkdir()
    place.write_bytes(b"own weights")
    with pytest.raises(WeightsMissing):
        files.find(file, tmp_path)
    own = hashlib.sha256(b"own weights").hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{own} *./net/weights.pt\n")
    found = files.find(file, tmp_path)
    assert (found.own, found.sha256) == (True, own)
    place.write_bytes(b"own weightz")
    with pytest.raises(WeightsMissing):
        files.find(file, tmp_path)


def test_a_hash_told_with_the_download_is_pinned(publisher, tmp_path):
    file = WeightFile("net/weights.bin", f"{publisher.url}/moved")
    publisher.headers = {"X-Linked-ETag": f'"{SHA}"', "X-Linked-Size": str(len(CONTENT))}
    fetch(file, tmp_path)
    assert files.find(file, tmp_path).sha256 == SHA
    (tmp_path / "net" / "weights.bin").write_bytes(CONTENT[:-7])
    with pytest.raises(WeightsMissing):
        files.find(file, tmp_path)
    fetch(file, tmp_path)
    assert files.find(file, tmp_path).sha256 == SHA


def test_what_cannot_be_checked_is_not_kept(publisher, tmp_path):
    file = WeightFile("net/weights.bin", f"{publisher.url}/file")
    with pytest.raises(WeightsMissing, match="cannot be checked"):
        fetch(file, tmp_path)
    assert not (tmp_path / "net" / "weights.bin").exists()


def test_a_record_tells_the_hash_of_its_files(publisher, tmp_path):
    publisher.record = (
        f'{{"files": [{{"key": "weights.pth", "size": {len(CONTENT)}, "checksum": "md5:{MD5}"}}]}}'.encode()
    )
    file = WeightFile("net/weights.pth", f"{publisher.url}/file", record=f"{publisher.url}/record")
    fetch(file, tmp_path)
    assert files.find(file, tmp_path).sha256 == SHA
    publisher.record = b'{"files": []}'
    with pytest.raises(WeightsMissing, match="does not tell the hash"):
        fetch(replace(file, path="net/other.pth"), tmp_path)


def test_a_publisher_that_is_away_is_told_and_what_came_is_kept(publisher, file, tmp_path):
    publisher.break_after = [1000, 1000, 1000, 1000]
    with pytest.raises(BackendUnavailable, match="cannot be fetched") as caught:
        fetch(file, tmp_path, pause=0.01)
    assert "goes on where it stopped" in caught.value.remedy
    assert (tmp_path / "net" / "weights.pt.part").stat().st_size == 4000
    assert not (tmp_path / "net" / "weights.pt").exists()


def test_a_file_that_is_gone_from_its_address_is_said_at_once(publisher, file, tmp_path):
    publisher.status = 404
    with pytest.raises(WeightsMissing, match="answered 404"):
        fetch(file, tmp_path)
    assert len(publisher.asked) == 1


def test_a_mirror_needs_no_network(monkeypatch, tmp_path):
    monkeypatch.setenv("PUGMARK_WEIGHTS_DIR", str(tmp_path))
    file = WeightFile("net/weights.pt", "http://127.0.0.1:9/file", "md5", MD5, len(CONTENT))
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "weights.pt").write_bytes(CONTENT)
    assert files.folder() == tmp_path
    assert "there already" in fetch(file)


def test_every_model_of_the_table_says_its_licence_and_what_its_files_must_be():
    for entry in MODELS.values():
        assert entry.licence
        assert entry.version
        for file in entry.files:
            assert file.digest or file.record or "huggingface.co" in file.url or not file.url
            assert bool(file.digest) == bool(file.algorithm)
    assert MODELS["megadescriptor"].non_commercial
    assert not MODELS["megadetector-apa-e"].non_commercial
