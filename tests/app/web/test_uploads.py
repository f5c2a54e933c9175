"""Uploads: streamed to disk, kept inside their batch, refused in words."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.jobs.process import ROOT
from app.web.services import Services
from app.web.uploads import RESERVE_BYTES
from tests.app.web.conftest import MEGABYTE


def incoming(services: Services) -> list[str]:
    assert services.settings is not None
    folder = services.settings.data_dir / "uploads"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_upload_lands_under_its_path_and_head_tells_its_size(
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]]
) -> None:
    address = "/api/uploads/batch-1/Ridge%203/DCIM/IMG 1 é.JPG"
    assert client.head(address, headers=upload("batch-1")).status_code == 404
    answer = client.put(address, content=b"x" * 1000, headers=upload("batch-1"))
    assert (answer.status_code, answer.json()) == (201, {"bytes": 1000})
    assert incoming(services) == ["batch-1/Ridge 3/DCIM/IMG 1 é.JPG"]
    assert client.head(address, headers=upload("batch-1")).headers["upload-length"] == "1000"


def test_a_name_that_windows_forbids_is_stored_and_found_again(
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]]
) -> None:
    address = "/api/uploads/batch-1/Ridge%3A%203./CON.jpg"
    assert client.put(address, content=b"x", headers=upload("batch-1")).status_code == 201
    assert incoming(services) == ["batch-1/Ridge%3A 3%2E/%43ON.jpg"]
    assert client.head(address, headers=upload("batch-1")).headers["upload-length"] == "1"


def test_upload_token_is_bound_to_its_batch(
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]], read: str
) -> None:
    for headers in ({}, upload("batch-2"), {"Authorization": f"Bearer {read}"}):
        assert client.put("/api/uploads/batch-1/a.jpg", content=b"x", headers=headers).status_code == 403
        assert client.head("/api/uploads/batch-1/a.jpg", headers=headers).status_code == 403
    assert incoming(services) == []


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/a.jpg",
        "a/%2e%2e/%2e%2e/b.jpg",
        "%2Fetc/a.jpg",
        "a//b.jpg",
        "a%5Cb.jpg",
        "a%00.jpg",
        "a%09.jpg",
        "n" * 250 + ".jpg",
        "d/" * 600 + "a.jpg",
        "a/%2e/b.jpg",
    ],
)
def test_paths_that_could_leave_the_batch_or_not_be_stored_are_refused_in_words(
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]], path: str
) -> None:
    answer = client.put(f"/api/uploads/batch-1/{path}", content=b"x", headers=upload("batch-1"))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(("The file's", "A name"))
    assert incoming(services) == []


def test_batch_name_cannot_leave_the_folder(
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]]
) -> None:
    answer = client.put("/api/uploads/%2e%2e/a.jpg", content=b"x", headers=upload(".."))
    assert answer.status_code in (400, 404)
    assert incoming(services) == []


def test_too_large_is_refused_before_and_while_it_is_read(
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]]
) -> None:
    announced = upload("batch-1") | {"Content-Length": str(65 * MEGABYTE)}
    assert client.put("/api/uploads/batch-1/a.jpg", content=b"x", headers=announced).status_code == 413
    chunks = (b"x" * MEGABYTE for _ in range(65))
    answer = client.put("/api/uploads/batch-1/a.jpg", content=chunks, headers=upload("batch-1"))
    assert answer.status_code == 413
    assert "64 MB" in answer.json()["error"]
    assert incoming(services) == []


def test_full_disk_is_said_in_words(
    client: TestClient, upload: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9 - 5, 5))
    answer = client.put("/api/uploads/batch-1/a.jpg", content=b"x", headers=upload("batch-1"))
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]


def test_a_body_without_a_stated_length_stops_at_the_disks_reserve(
    client: TestClient,
    services: Services,
    upload: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**12, 0, RESERVE_BYTES - 1))
    body = (b"x" * MEGABYTE for _ in range(5))
    answer = client.put("/api/uploads/batch-1/a.jpg", content=body, headers=upload("batch-1"))
    assert answer.status_code == 507
    assert incoming(services) == []


def test_file_in_the_place_of_a_folder_is_refused_in_words(
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]]
) -> None:
    client.put("/api/uploads/batch-1/a", content=b"x", headers=upload("batch-1"))
    answer = client.put("/api/uploads/batch-1/a/b.jpg", content=b"x", headers=upload("batch-1"))
    assert answer.status_code == 409
    assert incoming(services) == ["batch-1/a"]


SERVER = """
import sys, uvicorn
from pathlib import Path
from starlette.applications import Starlette
from app.web.routes import build_routes
from app.web.services import Services
from app.settings import Settings
from app.web.tokens import open_signer
from app.survey.database import open_survey
data_dir = Path(sys.argv[1])
settings = Settings(PUGMARK_DATA_DIR=data_dir)
services = Services(settings, open_survey(settings), open_signer(data_dir))
uvicorn.run(Starlette(routes=build_routes(services)), fd=int(sys.argv[2]), log_level="error")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_size_of_an_upload(
    tmp_path: Path, upload: Callable[[str], dict[str, str]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, number = listener.getsockname()[1], str(listener.fileno())
        server = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(tmp_path), number], cwd=ROOT, pass_fds=[listener.fileno()]
        )
    try:
        send(port, upload("batch-1"), 1)
        before = peak_megabytes(server.pid)
        assert send(port, upload("batch-1"), 300) == 201
        grown = peak_megabytes(server.pid) - before
    finally:
        server.terminate()
        server.wait()
    assert (tmp_path / "uploads" / "batch-1" / "300.zip").stat().st_size == 300 * MEGABYTE
    assert grown < 30, f"a 300 MB upload cost {grown:.0f} MB of memory"
    print(f"300 MB upload: {grown:.1f} MB more memory at the peak")


def send(port: int, headers: dict[str, str], megabytes: int) -> int:
    connection, part = http.client.HTTPConnection("127.0.0.1", port, timeout=60), os.urandom(MEGABYTE)
    body = (part for _ in range(megabytes))
    headers = headers | {"Transfer-Encoding": "chunked"}
    connection.request("PUT", f"/api/uploads/batch-1/{megabytes}.zip", body, headers, encode_chunked=True)
    return connection.getresponse().status


def peak_megabytes(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
