"""The pages of one dashboard in a browser: entered through the navigation, one after the other, in every order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from app.settings import Settings
from app.survey.database import open_survey
from app.survey.decisions import identity
from app.ui.shared import address
from tests.browser.conftest import _served
from tests.browser.test_identify_browser import fill
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser

PAGES = {
    "Survey": (),
    "Upload": (),
    "Stations": (address.Stations,),
    "Detections": (address.Detections,),
    "Identify": (address.Identify,),
    "Individuals": (address.Individuals, address.CaptureDesign),
    "Videos": (address.Videos,),
    "Field notes": (address.FieldNotes,),
    "Export": (address.CaptureDesign,),
    "History": (address.History,),
    "Operations": (address.Operations,),
}
NAMES = (":material/home: T:01:", "![x](http://a) <b> *a*", "~~T~~ $1 [a](b)")
CURSOR = """(name) => {
  const roots = [...document.querySelectorAll('*')].map((node) => node.shadowRoot).filter(Boolean);
  const list = roots.map((root) => root.querySelector(name)).find(Boolean);
  return list.getAttribute('aria-activedescendant');
}"""
PATIENCE = 30_000  # milliseconds in which a page that was gone to shows what it holds
QUERY = "(name) => new URL(location).searchParams.get('q')"


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page of a dashboard over eight crops, three named as people may name them; there is no worker."""
    data_dir = tmp_path_factory.mktemp("pages")
    crops = list(fill(data_dir))
    survey = open_survey(Settings(PUGMARK_DATA_DIR=data_dir, _env_file=None))
    with survey.write() as session:
        for crop, name in zip(crops, NAMES, strict=False):
            identity.new_individual(session, "ana", crop, name=name)
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


def every_order(names: list[str]) -> list[str]:
    """A walk that goes from every page to every other page once."""
    left = {name: [other for other in names if other != name] for name in names}
    walk, done = [names[0]], []
    while walk:
        if left[walk[-1]]:
            walk.append(left[walk[-1]].pop())
        else:
            done.append(walk.pop())
    return done[::-1]


def test_the_walk_goes_from_every_page_to_every_other() -> None:
    walk = every_order(list(PAGES))
    assert len(set(pairwise(walk))) == len(walk) - 1 == len(PAGES) * (len(PAGES) - 1)


def choose(page: Any, label: str) -> None:
    page.get_by_text(label, exact=True).first.click()
    settle(page)


def test_no_page_disturbs_another_in_any_order_and_each_keeps_its_own_choices(page: Any) -> None:
    page.goto("/")
    settle(page)
    go(page, "Identify")
    page.get_by_label("Taken").wait_for()
    for label in ("named only", "same species"):
        choose(page, label)
    go(page, "Individuals")
    choose(page, "Capture history")
    page.get_by_label("Days an occasion").fill("7")
    page.keyboard.press("Tab")
    settle(page)
    walk = every_order(["Individuals", *(name for name in PAGES if name != "Individuals")])
    for before, name in pairwise(walk):
        go(page, name)
        way = f"{before} to {name}"
        assert page.get_by_test_id("stException").count() == 0, way
        known = {value.name for part in PAGES[name] for value in vars(part).values() if hasattr(value, "name")}
        assert set(parse_qs(urlparse(page.url).query)) <= known, way
        if name == "Identify":
            expect(page.get_by_label("Taken"), way).to_have_value("at any time", timeout=PATIENCE)
            expect(page.get_by_label("same species"), way).not_to_be_checked(timeout=PATIENCE)
            expect(page.get_by_label("named only"), way).to_be_checked(timeout=PATIENCE)
        if name in ("Individuals", "Export"):
            expect(page.get_by_label("Days an occasion"), way).to_have_value("7", timeout=PATIENCE)


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_a_name_is_shown_letter_by_letter(page: Any, number: int) -> None:
    page.goto(f"/individuals?id={number + 1}&section=Merge")
    settle(page)
    wait_until(lambda: page.locator("h1").inner_text().replace("\u2060", "") == NAMES[number], seconds=60)
    label = page.get_by_test_id("stSelectbox").first.locator("label")
    assert label.inner_text().replace("\u2060", "").strip() == f"Who is {NAMES[number]} too?"


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(251, 250, 247)"), ("dark", "rgb(18, 23, 19)")])
def test_the_configured_theme_is_in_force(page: Any, scheme: str, paper: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto("/")
    settle(page)
    style = "name => getComputedStyle(document.querySelector('.stApp'))[name]"
    assert page.evaluate(style, "backgroundColor") == paper
    assert page.evaluate(style, "fontFamily").startswith("system-ui")
