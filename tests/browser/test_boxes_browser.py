"""Boxes reviewed in the real dashboard: by keyboard and mouse, with a worker, by two people at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import _served
from tests.browser.stored import rows, wait_for_rows
from tests.browser.test_main_job import pictures
from tests.support.workers import worker

pytestmark = pytest.mark.browser
FILES = 6


@pytest.fixture(scope="module")
def working_dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and data directory of the dashboard, with a worker beside it."""
    data_dir = tmp_path_factory.mktemp("working")
    with worker(data_dir), _served("app/main.py", data_dir) as address:
        yield address, data_dir


@pytest.fixture(scope="module")
def page(browser: Any, working_dashboard: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page of the dashboard with six pictures in it."""
    address, _ = working_dashboard
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/upload")
    page.wait_for_selector('input[aria-label="Files"]', state="attached", timeout=120_000)
    page.set_input_files('input[aria-label="Files"]', pictures(tmp_path_factory.mktemp("pictures"))[:FILES])
    page.get_by_text(f"{FILES} new").first.wait_for(timeout=180_000)
    yield page
    context.close()
    assert errors == []


def open_grid(page: Any, address: str, query: str = "") -> None:
    page.goto(f"{address}/detections{query}")
    page.locator(".tile").first.wait_for(timeout=120_000)
    page.locator(".tiles").focus()
    page.wait_for_timeout(300)


def open_first(page: Any, address: str) -> None:
    open_grid(page, address)
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.wait_for_url("**media=*")
    page.locator(".viewer .title").wait_for(timeout=120_000)
    page.wait_for_timeout(500)


FEATURES = "select distinct box from feature where detection_id = (select max(id) from detection where drawn_by <> '')"


def test_a_box_placed_by_keyboard_is_described_and_described_again_when_it_moves_or_the_move_is_undone(
    page, working_dashboard
):
    address, data_dir = working_dashboard
    open_first(page, address)
    for key in ("d", "Enter", "Enter"):
        page.keyboard.press(key)
    placed = [("0.35000,0.35000,0.30000,0.30000",)]
    wait_for_rows(page, data_dir, FEATURES, placed)
    for key in ("m", "ArrowRight", "ArrowRight", "Shift+ArrowUp", "Enter"):
        page.keyboard.press(key)
    wait_for_rows(page, data_dir, FEATURES, [("0.37000,0.35000,0.30000,0.29000",)])
    page.keyboard.press("z")
    wait_for_rows(page, data_dir, FEATURES, placed)
    page.keyboard.press("z")
    wait_for_rows(page, data_dir, "select count(*) from detection where drawn_by <> ''", [(0,)])


def test_a_box_drawn_by_mouse_is_deleted_and_brought_back_with_its_species(page, working_dashboard):
    address, data_dir = working_dashboard
    open_first(page, address)
    page.keyboard.press("d")
    frame = page.locator(".stage .frame").bounding_box()
    page.mouse.move(frame["x"] + 0.2 * frame["width"], frame["y"] + 0.2 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.5 * frame["width"], frame["y"] + 0.6 * frame["height"], steps=5)
    page.mouse.up()
    page.keyboard.press("l")
    page.keyboard.type("boar")
    page.keyboard.press("Enter")
    page.keyboard.press("x")
    query = "select species, verdict from detection_review where detection_id = (select max(id) from detection)"
    wait_for_rows(page, data_dir, query, [("Sus scrofa", "rejected")])
    page.keyboard.press("Delete")
    wait_for_rows(page, data_dir, query, [("Sus scrofa", "accepted")])


def test_all_pictures_become_one_animal_each_by_two_keys_and_one_undo_takes_it_back(page, working_dashboard):
    address, data_dir = working_dashboard
    open_grid(page, address)
    before = rows(data_dir, "select * from detection_review order by 1")
    page.keyboard.press("Control+a")
    page.keyboard.press("w")
    wait_for_rows(page, data_dir, "select verdict, count(*) from media_review group by 1", [("accepted", FILES)])
    whole = (
        "select count(distinct media_id) from detection d left join detection_review r on r.detection_id = d.id"
        " where coalesce(r.width, d.width) = 1 and coalesce(r.height, d.height) = 1"
    )
    assert rows(data_dir, whole) == [(FILES,)]
    page.keyboard.press("z")
    wait_for_rows(page, data_dir, "select count(*) from media_review", [(0,)])
    assert rows(data_dir, "select * from detection_review order by 1") == before


def test_two_people_at_one_picture_both_get_into_history_and_the_later_one_counts(page, browser, working_dashboard):
    address, data_dir = working_dashboard
    open_first(page, address)
    other = browser.new_context(viewport={"width": 1366, "height": 900}).new_page()
    open_first(other, address)
    page.keyboard.press("b")
    wait_for_rows(page, data_dir, "select verdict from media_review", [("blank",)])
    other.keyboard.press("u")
    wait_for_rows(page, data_dir, "select verdict from media_review", [("unsure",)])
    other.goto(f"{address}/history")
    entries = other.locator('[class*="st-key-decision-"]')
    entries.nth(1).get_by_role("button", name="Undo back to here").wait_for(timeout=120_000)
    assert ["unsure" in entries.nth(0).inner_text(), "blank" in entries.nth(1).inner_text()] == [True, True]
    entries.nth(0).get_by_role("button", name="Undo", exact=True).click()
    wait_for_rows(page, data_dir, "select verdict from media_review", [("blank",)])
    other.context.close()
