"""The components' scripts are served as modules, and nothing else of the folder is."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from app.web.scripts import FOLDER, script_address, scripts_version


def test_a_script_is_served_as_a_module_that_browsers_keep(client: TestClient) -> None:
    path = FOLDER / "identify" / "match" / "match.js"
    answer = client.get(script_address(path))
    assert answer.text == path.read_text(encoding="utf-8")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["shared/words.py", "../deps.py", "%2e%2e/deps.py", "../static/favicon.png", "shared", "no.js"]
)
def test_nothing_but_scripts_is_served(client: TestClient, path: str) -> None:
    assert client.get(f"/scripts/{scripts_version()}/{path}").status_code == 404


def test_a_script_of_another_version_is_not_served(client: TestClient) -> None:
    assert client.get("/scripts/000000000000/shared/dom.js").status_code == 404
