"""The pages of one dashboard in a browser: entered through the navigation, one after the other, in every order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.settings import Settings
from app.survey.database import open_survey
from app.survey.decisions import identity
from tests.browser.conftest import _served
from tests.browser.test_identify_browser import fill

pytestmark = pytest.mark.browser

CURSOR = """(name) => {
  const roots = [...document.querySelectorAll('*')].map((node) => node.shadowRoot).filter(Boolean);
  const list = roots.map((root) => root.querySelector(name)).find(Boolean);
  return list.getAttribute('aria-activedescendant');
}"""
QUERY = "(name) => new URL(location).searchParams.get('q')"


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page of a dashboard over eight crops, two of them named; nothing is analysed while the tests run."""
    data_dir = tmp_path_factory.mktemp("pages")
    crops = list(fill(data_dir))
    survey = open_survey(Settings(PUGMARK_DATA_DIR=data_dir, _env_file=None))
    with survey.write() as session:
        for crop in crops[:2]:
            identity.new_individual(session, "ana", crop)
    survey.close()
    errors: list[str] = []
    with _served("app/main.py", data_dir) as address:
        context = browser.new_context(viewport={"width": 1920, "height": 1000}, base_url=address)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        context.close()
    assert errors == []


def settle(page: Any) -> None:
    page.wait_for_timeout(120)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=60_000)


def go(page: Any, name: str) -> None:
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
    settle(page)


@pytest.mark.parametrize(
    ("name", "items", "key", "state"),
    [
        ("Detections", ".tiles", "ArrowRight", CURSOR),
        ("Identify", ".strip", "ArrowDown", QUERY),
        ("Individuals", ".crops", "ArrowRight", CURSOR),
    ],
)
def test_the_keyboard_works_on_a_page_that_was_entered_through_the_navigation(
    page: Any, name: str, items: str, key: str, state: str
) -> None:
    page.goto("/")
    settle(page)
    go(page, name)
    page.locator(items).first.wait_for()
    page.wait_for_timeout(500)
    before = page.evaluate(state, items)
    page.keyboard.press(key)
    page.wait_for_function(f"(given) => ({state})(given[0]) !== given[1]", arg=[items, before], timeout=10_000)
