"""Foreign names, origins and frames are refused before any page or route is reached."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.web.guard import guard


async def _page(_request):
    return PlainTextResponse("a page")


async def _stream(websocket):
    await websocket.accept()
    await websocket.send_text("open")
    await websocket.close()


APP = Starlette(
    routes=[Route("/", _page, methods=["GET", "PUT"]), WebSocketRoute("/stream", _stream)],
    middleware=[guard(["Traps.Example.org"])],
)


@pytest.mark.parametrize(
    "host", ["localhost:8501", "127.0.0.1", "[::1]:8501", "LOCALHOST", "traps.example.org", "traps.example.org:444"]
)
def test_its_own_names_are_answered(host):
    assert TestClient(APP).get("/", headers={"host": host}).text == "a page"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "",
        "a@evil.example",
        "[::1",
        "0.0.0.0",
        "localhost; x",
    ],
)
def test_any_other_name_is_refused_with_the_setting_that_allows_it(host):
    answer = TestClient(APP).get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "PUGMARK_HOSTS" in answer.text


@pytest.mark.parametrize(
    ("origin", "host", "open_to"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("http://localhost:9999", "localhost:8501", False),
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("https://traps.example.org", "traps.example.org:8501", True),
        ("https://evil.example", "traps.example.org", False),
        ("null", "localhost:8501", False),
        ("http://[::1", "localhost:8501", False),
        ("http://[bad]:1", "traps.example.org", False),
    ],
)
def test_a_websocket_or_a_change_is_open_to_the_dashboards_own_pages_only(origin, host, open_to):
    client, headers = TestClient(APP), {"origin": origin, "host": host}
    assert client.put("/", headers=headers).status_code == (200 if open_to else 403)
    if open_to:
        with client.websocket_connect("/stream", headers=headers) as stream:
            assert stream.receive_text() == "open"
    else:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/stream", headers=headers):
            pass


def test_browsers_may_not_frame_it_nor_load_pictures_from_elsewhere():
    headers = TestClient(APP).get("/", headers={"host": "localhost"}).headers
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "img-src 'self' data: blob:;" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
