"""The keyboard of a view, without Streamlit: the modules alone in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "app" / "ui" / "shared"
LISTEN = """async (store) => {
  const { listenKeys } = await import("/keys.js");
  window.used ??= [];
  const root = document.body.appendChild(document.createElement("div"));
  window.leave = listenKeys(root, store, (event) => {
    if (event.type === "keydown") window.used.push(store + event.key);
    return true;
  });
}"""


@pytest.fixture
def bare(browser: Any) -> Any:
    """A page that holds nothing but the modules of the views."""
    page = browser.new_page()
    page.route("http://views.test/", lambda route: route.fulfill(content_type="text/html", body="<body></body>"))
    page.route(
        "http://views.test/*.js",
        lambda route: route.fulfill(
            content_type="text/javascript", body=(SHARED / route.request.url.rpartition("/")[2]).read_text()
        ),
    )
    page.goto("http://views.test/")
    yield page
    page.close()


def test_presses_while_a_view_is_drawn_anew_reach_it_in_their_order(bare: Any) -> None:
    bare.evaluate(LISTEN, "grid ")
    bare.keyboard.press("b")
    bare.evaluate("window.leave()")
    bare.keyboard.press("u")
    bare.keyboard.press("z")
    bare.evaluate(LISTEN, "grid ")
    bare.keyboard.press("b")
    assert bare.evaluate("window.used") == ["grid b", "grid u", "grid z", "grid b"]


def test_presses_before_another_view_came_decide_nothing(bare: Any) -> None:
    bare.evaluate(LISTEN, "grid ")
    bare.evaluate("window.leave()")
    bare.keyboard.press("n")
    bare.evaluate(LISTEN, "match ")
    bare.evaluate("window.leave()")
    bare.evaluate(LISTEN, "grid ")
    assert bare.evaluate("window.used ?? []") == []


def test_presses_are_not_kept_for_a_view_that_stays_away(bare: Any) -> None:
    bare.evaluate(LISTEN, "grid ")
    bare.evaluate("window.leave()")
    bare.keyboard.press("n")
    bare.wait_for_timeout(1700)
    bare.evaluate(LISTEN, "grid ")
    assert bare.evaluate("window.used ?? []") == []
