"""The HTTP routes over a real survey: pictures by content, uploads streamed to disk, health and figures."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import routes
from app.routes import Services, build_routes
from app.settings import Settings
from app.survey.calls import Call
from app.survey.database import open_survey
from app.tokens import READ, UPLOAD, BadToken, Signer, open_signer
from app.worker_process import ROOT

MEGABYTE = 1024**2


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Settings(PUGMARK_DATA_DIR=tmp_path, PUGMARK_UPLOAD_MAX_BYTES=64 * MEGABYTE, PUGMARK_DATABASE_URL=None)
    survey = open_survey(settings)
    yield Services(settings, survey, open_signer(tmp_path))
    survey.close()


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=build_routes(services)), client=("127.0.0.1", 50000))


@pytest.fixture
def read(services: Services) -> str:
    assert services.signer is not None
    return services.signer.sign(READ, "page", 3600)


@pytest.fixture
def upload(services: Services) -> Callable[[str], dict[str, str]]:
    def headers(batch: str) -> dict[str, str]:
        assert services.signer is not None
        return {"Authorization": f"Bearer {services.signer.sign(UPLOAD, batch, 3600)}"}

    return headers


def stored_jpeg(data_dir: Path, size: tuple[int, int] = (60, 40), exif_orientation: int = 1) -> str:
    exif = Image.Exif()
    exif[0x0112] = exif_orientation
    out = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(out, "JPEG", exif=exif)
    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    path = data_dir / "media" / sha256[:2] / f"{sha256}.jpeg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out.getvalue())
    return sha256


# Tokens


def test_key_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    open_signer(tmp_path)
    assert stat.S_IMODE((tmp_path / "token.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token.key"]


def test_second_opening_reads_the_same_key(tmp_path: Path) -> None:
    token = open_signer(tmp_path).sign(READ, "page", 60)
    assert open_signer(tmp_path).check(token, READ) == "page"


def test_token_stays_the_same_between_script_runs_and_holds_as_long_as_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, now = open_signer(tmp_path), time.time()
    token = signer.sign(READ, "page", 3600)
    monkeypatch.setattr("app.tokens.time.time", lambda: now + 3599)
    assert signer.check(token, READ) == "page"
    monkeypatch.setattr("app.tokens.time.time", lambda: now + 7201)
    with pytest.raises(BadToken, match="expired"):
        signer.check(token, READ)


@pytest.mark.parametrize(
    "spoil", [lambda t: "", lambda t: "a.b.c.d", lambda t: t[:-2] + "xx", lambda t: "x" + t, str.upper]
)
def test_forged_tokens_are_refused(tmp_path: Path, spoil: Callable[[str], str]) -> None:
    signer = open_signer(tmp_path)
    with pytest.raises(BadToken):
        signer.check(spoil(signer.sign(READ, "page", 60)), READ)


def test_token_of_another_dashboard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadToken):
        open_signer(tmp_path).check(Signer(b"another key").sign(READ, "page", 60), READ)


# Pictures


def test_original_comes_back_whole_with_its_type_and_cannot_be_sniffed(
    client: TestClient, services: Services, read: str
) -> None:
    assert services.settings is not None
    sha256 = stored_jpeg(services.settings.data_dir)
    answer = client.get(f"/files/{sha256}", params={"t": read})
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == sha256
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "inline"
    assert "immutable" in answer.headers["cache-control"]


def test_original_answers_a_range(client: TestClient, services: Services, read: str) -> None:
    assert services.settings is not None
    sha256 = stored_jpeg(services.settings.data_dir)
    whole = client.get(f"/files/{sha256}", params={"t": read}).content
    part = client.get(f"/files/{sha256}", params={"t": read}, headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole[10:20]


def test_view_is_upright_and_of_browser_size_and_kept(client: TestClient, services: Services, read: str) -> None:
    assert services.settings is not None
    sha256 = stored_jpeg(services.settings.data_dir, (3200, 2000), exif_orientation=6)
    answer = client.get(f"/views/{sha256}.jpg", params={"t": read})
    assert answer.status_code == 200
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (1000, 1600)
        assert picture.getexif().get(0x0112) is None
    assert [path.name for path in (services.settings.data_dir / "views" / sha256[:2]).iterdir()] == [f"{sha256}.jpg"]


def test_view_of_a_damaged_original_says_so_and_leaves_nothing(
    client: TestClient, services: Services, read: str
) -> None:
    assert services.settings is not None
    sha256 = "ab" * 32
    path = services.settings.data_dir / "media" / "ab" / f"{sha256}.jpeg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xd8\xff not a picture")
    answer = client.get(f"/views/{sha256}.jpg", params={"t": read})
    assert answer.status_code == 422
    assert "cannot be drawn" in answer.json()["error"]
    assert list((services.settings.data_dir / "views").rglob("*.*")) == []


@pytest.mark.parametrize("address", ["/thumbs/{sha}.jpg", "/views/{sha}.jpg", "/files/{sha}", "/crops/7-0123abcd.jpg"])
def test_pictures_want_a_read_token(client: TestClient, services: Services, address: str) -> None:
    assert services.settings is not None
    assert services.signer is not None
    sha256 = stored_jpeg(services.settings.data_dir)
    address = address.format(sha=sha256)
    foreign = services.signer.sign(UPLOAD, "page", 3600)
    assert client.get(address).status_code == 403
    assert client.get(address, params={"t": foreign}).status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Ftoken.key",
        "%2e%2e/token.key",
        "a.jpg",
        "x" * 64 + ".jpg",
        "0" * 64 + ".png",
        "0" * 64 + ".jpg%00",
        "0" * 64 + ".jpg%0a",
    ],
)
@pytest.mark.parametrize("route", ["thumbs", "crops", "files", "views"])
def test_other_names_are_not_found(client: TestClient, read: str, route: str, name: str) -> None:
    assert client.get(f"/{route}/{name}", params={"t": read}).status_code == 404


def test_thumb_and_crop_are_found_where_the_survey_puts_them(client: TestClient, services: Services, read: str) -> None:
    assert services.settings is not None
    thumb = services.settings.data_dir / "thumbs" / "0a" / f"{'0a' * 32}.jpg"
    crop = services.settings.data_dir / "crops" / "12" / "12345-0123abcd.jpg"
    for path in (thumb, crop):
        path.parent.mkdir(parents=True)
        path.write_bytes(path.name.encode())
    assert client.get(f"/thumbs/{thumb.name}", params={"t": read}).text == thumb.name
    assert client.get(f"/crops/{crop.name}", params={"t": read}).text == crop.name


# Uploads


def incoming(services: Services) -> list[str]:
    assert services.settings is not None
    folder = services.settings.data_dir / "incoming"
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
    client: TestClient, services: Services, upload: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10**9, 10**9 - 5, 5))
    answer = client.put("/api/uploads/batch-1/a.jpg", content=b"x", headers=upload("batch-1"))
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]


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
from app.routes import Services, build_routes
from app.settings import Settings
from app.tokens import open_signer
data_dir = Path(sys.argv[1])
services = Services(Settings(PUGMARK_DATA_DIR=data_dir), None, open_signer(data_dir))
uvicorn.run(Starlette(routes=build_routes(services)), fd=int(sys.argv[2]), log_level="error")
"""


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
    assert (tmp_path / "incoming" / "batch-1" / "300.zip").stat().st_size == 300 * MEGABYTE
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


# Health and figures


def test_healthy_when_the_survey_can_be_written(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"survey": "ok", "worker": "not started here", "healthy": True}


def test_unhealthy_when_the_survey_cannot_be_written(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert services.survey is not None
    monkeypatch.setattr(routes, "WRITE_SECONDS", 0.2)
    with services.survey.write() as session:
        session.execute(sa.text("SELECT 1"))
        answer = client.get("/healthz")
    assert answer.status_code == 503
    assert "cannot be written" in answer.json()["survey"]
    assert client.get("/healthz").status_code in (200, 503)


def test_unhealthy_before_the_survey_is_open() -> None:
    client = TestClient(Starlette(routes=build_routes(Services())))
    assert client.get("/healthz").status_code == 503


def test_metrics_are_for_this_machine_or_the_metrics_token(services: Services) -> None:
    assert services.settings is not None
    services.settings.metrics_token = "secret-token"
    app = Starlette(routes=build_routes(services))
    here, there = TestClient(app, client=("::ffff:127.0.0.1", 1)), TestClient(app, client=("203.0.113.9", 1))
    assert here.get("/metrics").status_code == 200
    assert here.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    assert there.get("/metrics").status_code == 403
    assert there.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert there.get("/metrics", headers={"Authorization": "Bearer secret-token"}).status_code == 200
    assert there.get("/api/stats").status_code == 403


def test_figures_are_those_of_the_ledger(client: TestClient, services: Services) -> None:
    assert services.survey is not None
    now = time.time()
    with services.survey.write() as session:
        for seconds in (1.0, 2.0, 3.0):
            session.add(
                Call(
                    task="detect",
                    model="m",
                    backend="embedded",
                    items=8,
                    queued_at=now - 9,
                    started_at=now - 1 - seconds,
                    finished_at=now - 1,
                    outcome="ok",
                )
            )
        session.add(Call(task="detect", model="m", backend="embedded", items=8, queued_at=now, started_at=now))
        session.add(
            Call(
                task="detect",
                model="m",
                backend="embedded",
                items=8,
                queued_at=0,
                started_at=1,
                finished_at=2,
                outcome="ok",
            )
        )
    figures = client.get("/api/stats").json()
    assert (figures["running"], figures["p50"], figures["p95"]) == (1, pytest.approx(2.0), pytest.approx(3.0))
    assert len(figures["sparkline"]) == 60
    assert [value for value in figures["sparkline"] if value is not None] == [pytest.approx(2.0)]
    text = client.get("/metrics").text
    assert 'pugmark_calls_running{backend="embedded"} 1' in text
    assert 'pugmark_call_seconds_p50{backend="embedded"} 2.0' in text
