"""Demo mode: every browser has a survey of its own, within limits that are told, and for a day."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.settings import BadSetting, Settings, load_settings
from app.survey.media.progress import labels
from app.web import demo as demo_mode
from app.web.demo import COOKIE, Demo, DemoFull, demo_gate
from app.web.routes import build_routes
from app.web.services import Services
from app.web.tokens import READ, UPLOAD, UPLOAD_SECONDS

ANA, BEN = "a" * 32, "b" * 32
PAGE = {"accept": "text/html"}


@pytest.fixture
def services(tmp_path) -> Iterator[Services]:
    settings = Settings(PUGMARK_DATA_DIR=tmp_path, PUGMARK_START_WORKER=False, PUGMARK_DEMO=True, _env_file=None)
    state = Services(settings, demo=Demo(settings))
    yield state
    state.demo.close()


def client(services: Services, visitor: str | None = None) -> TestClient:
    server = Starlette(routes=build_routes(services), middleware=[demo_gate(services)])
    return TestClient(server, cookies={COOKIE: visitor} if visitor else None)


def test_a_browser_gets_a_cookie_once_and_it_cannot_be_read_by_scripts(services):
    first = client(services).get("/healthz", headers=PAGE)
    assert COOKIE in first.headers["set-cookie"]
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "set-cookie" not in client(services, ANA).get("/healthz", headers=PAGE).headers


def test_two_visitors_share_nothing(services):
    ana, ben = services.demo.of(ANA).services, services.demo.of(BEN).services
    assert ana.settings.data_dir != ben.settings.data_dir
    assert ana.survey.url != ben.survey.url
    assert ana.settings.import_roots == []
    picture = ana.settings.data_dir / "thumbs" / "00" / f"{0:064x}.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"ana")
    address = f"/thumbs/{0:064x}.jpg?t={ana.signer.sign(READ, 'page', 60)}"
    assert client(services, ANA).get(address).content == b"ana"
    assert client(services, BEN).get(address).status_code == 403
    assert client(services).get(address).status_code == 403


def test_a_visitor_finds_a_copy_of_the_sample_once(services):
    for _ in range(2):
        with services.demo.of(ANA).services.survey.read() as session:
            assert ["synthetic" in label for _, label in labels(session)] == [True]
        services.demo.close()  # as when the server is started again


def test_uploads_end_at_the_limit_and_zips_are_refused(services, monkeypatch):
    monkeypatch.setattr(demo_mode, "MOST_FILES", 2)
    browser, signer = client(services, ANA), services.demo.of(ANA).services.signer
    allowed = {"authorization": f"Bearer {signer.sign(UPLOAD, 'batch', UPLOAD_SECONDS)}"}

    def put(name: str) -> int:
        return browser.put(f"/api/uploads/batch/{name}", content=b"x", headers=allowed).status_code

    assert [put("a.jpg"), put("card.zip"), put("b.jpg"), put("c.jpg")] == [201, 415, 201, 403]


def test_what_a_visitor_brought_is_removed_after_a_day_and_not_before(services):
    folder = services.demo.of(ANA).folder
    assert services.demo.sweep(time.time() + 23 * 3600) == 0
    assert services.demo.sweep(time.time() + 25 * 3600) == 1
    assert not folder.exists()


def test_more_visitors_than_there_is_room_for_are_told_when_to_come_back(services, monkeypatch):
    monkeypatch.setattr(demo_mode, "MOST_AT_ONCE", 0)
    with pytest.raises(DemoFull, match="come back"):
        services.demo.of(ANA)


def test_the_demo_wants_no_shared_database(tmp_path, monkeypatch):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PUGMARK_DEMO", "true")
    monkeypatch.setenv("PUGMARK_DATABASE_URL", "postgresql://x@y/z")
    load_settings.cache_clear()
    with pytest.raises(BadSetting, match="PUGMARK_DEMO"):
        load_settings()
    load_settings.cache_clear()
