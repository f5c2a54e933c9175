"""Tokens, pictures by content, health and figures, over a real survey."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.survey.tables.calls import Call
from app.web import routes
from app.web.routes import build_routes
from app.web.services import Services
from app.web.tokens import READ, UPLOAD, BadToken, Signer, open_signer


def stored_jpeg(data_dir: Path, size: tuple[int, int] = (60, 40), exif_orientation: int = 1) -> str:
    exif = Image.Exif()
    exif[0x0112] = exif_orientation
    out = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(out, "JPEG", exif=exif)
    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    path = data_dir / "originals" / sha256[:2] / f"{sha256}.jpg"
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


def test_a_folder_that_cannot_be_written_gets_a_key_for_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    assert open_signer(tmp_path).mark
    assert list(tmp_path.iterdir()) == []


def test_token_stays_the_same_between_script_runs_and_holds_as_long_as_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, now = open_signer(tmp_path), time.time()
    token = signer.sign(READ, "page", 3600)
    monkeypatch.setattr("app.web.tokens.time.time", lambda: now + 3599)
    assert signer.check(token, READ) == "page"
    monkeypatch.setattr("app.web.tokens.time.time", lambda: now + 7201)
    with pytest.raises(BadToken, match="expired"):
        signer.check(token, READ)


@pytest.mark.parametrize(
    "spoil", [lambda _: "", lambda _: "a.b.c.d", lambda t: t[:-2] + "xx", lambda t: "x" + t, str.upper]
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
    path = services.settings.data_dir / "originals" / "ab" / f"{sha256}.jpg"
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
    assert "could not be written" in answer.json()["survey"]
    assert client.get("/healthz").status_code == 200, "a check given up must not spoil the next"


def test_unhealthy_before_the_survey_is_open() -> None:
    client = TestClient(Starlette(routes=build_routes(Services())))
    assert client.get("/healthz").status_code == 503


def test_metrics_are_for_this_machine_or_the_metrics_token(services: Services) -> None:
    assert services.settings is not None
    services.settings.metrics_token = "secret-token"
    app = Starlette(routes=build_routes(services))
    here, there = TestClient(app, client=("::ffff:127.0.0.1", 1)), TestClient(app, client=("203.0.113.9", 1))
    assert here.get("/metrics").status_code == 200
    for header in ("X-Forwarded-For", "X-Real-IP", "Via", "Forwarded"):
        assert here.get("/metrics", headers={header: "203.0.113.9"}).status_code == 403
    assert there.get("/metrics").status_code == 403
    assert there.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert there.get("/metrics", headers={"Authorization": "Bearer secret-token"}).status_code == 200
    assert there.get("/api/stats").status_code == 403


def test_figures_are_those_of_the_ledger(client: TestClient, services: Services) -> None:
    assert services.survey is not None
    now = time.time()
    call = partial(Call, task="detect", model="m", backend="embedded", items=8)
    with services.survey.write() as session:
        for seconds in (1.0, 2.0, 3.0):
            started_at = now - 1 - seconds
            session.add(call(queued_at=now - 9, started_at=started_at, finished_at=now - 1, outcome="done"))
        session.add(call(queued_at=now, started_at=now))
        session.add(call(queued_at=0, started_at=1, finished_at=2, outcome="done"))
    figures = client.get("/api/stats").json()
    assert (figures["running"], figures["p50"], figures["p95"]) == (1, pytest.approx(2.0), pytest.approx(3.0))
    assert len(figures["sparkline"]) == 60
    assert [value for value in figures["sparkline"] if value is not None] == [pytest.approx(2.0)]
    text = client.get("/metrics").text
    assert 'pugmark_calls_running{backend="embedded"} 1.0' in text
    assert 'pugmark_call_seconds_p50{backend="embedded"} 2.0' in text
