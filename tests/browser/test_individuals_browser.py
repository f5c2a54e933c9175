"""Individuals in a real browser: open, split, undo by keyboard; decisions survive a reload; nothing from outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image, ImageDraw

from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.detections.boxes import boxes
from app.survey.detections.results import crop_name
from app.survey.tables.individuals import Sighting
from modal_backend.contracts import Box
from tests.browser.conftest import _served
from tests.support.catalogued import DAY, place, seen

pytestmark = pytest.mark.browser


def draw_crops(survey: Survey) -> None:
    """A striped picture for every crop, where the worker would have put it."""
    with survey.read() as session:
        for box in boxes(session, list(session.scalars(sa.select(Sighting.detection_id)))).values():
            name = crop_name(box.id, Box(box.x, box.y, box.width, box.height))
            path = survey.data_dir / "crops" / str(box.id // 1000) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.new("RGB", (240, 160), (214, 150, 70))
            pen = ImageDraw.Draw(picture)
            for stripe in range(box.id % 4 + 5):
                pen.line((30 * stripe, 0, 30 * stripe + 14, 160), fill=(30, 26, 24), width=9)
            picture.save(path, "JPEG")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Survey]]:
    """The dashboard over three individuals at two stations, one of which travels too fast."""
    data_dir: Path = tmp_path_factory.mktemp("individuals")
    survey = open_survey(Settings(PUGMARK_DATA_DIR=data_dir, _env_file=None))
    for event in range(3):
        seen(survey, "T-001", "Ridge", event * DAY)
    seen(survey, "T-001", "Valley", 2 * DAY + 20, flank="right")
    seen(survey, "T-002", "Valley", 30)
    seen(survey, "T-003", "Ridge", 60)
    place(survey, "Ridge", 10.0, 77.0)
    place(survey, "Valley", 10.2, 77.0)
    draw_crops(survey)
    with _served("app/main.py", data_dir) as address:
        yield address, survey
    survey.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1366, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(120_000)
    yield opened
    context.close()


def owners(survey: Survey) -> list[int]:
    with survey.read() as session:
        return list(session.scalars(sa.select(Sighting.individual_id).order_by(Sighting.detection_id)))


def test_an_individual_is_opened_split_and_put_together_again_by_keyboard(served, page):
    address, survey = served
    before = owners(survey)
    page.goto(f"{address}/individuals")
    catalogue = page.get_by_role("listbox", name="Crops")
    catalogue.get_by_role("option").nth(2).wait_for()
    catalogue.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="T-001").wait_for()
    page.goto(f"{address}/individuals?id=1&section=Split")
    chooser = page.get_by_role("listbox", name="Crops")
    chooser.get_by_role("option").nth(3).wait_for()
    chooser.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Space"):
        page.keyboard.press(key)
    page.get_by_text("A new individual would have 1 sighting at 1 station").wait_for()
    split = page.get_by_role("button", name="Split off", exact=False).first
    split.focus()
    page.keyboard.press("Enter")
    page.get_by_text("3 sightings · first").wait_for()
    assert owners(survey) != before
    page.reload()
    page.get_by_text("3 sightings · first").wait_for()
    page.get_by_role("button", name="Undo").first.wait_for()
    page.keyboard.press("z")
    page.get_by_text("4 sightings · first").wait_for()
    assert owners(survey) == before


def test_a_conflict_is_accepted_for_good_and_nothing_comes_from_outside(served, page):
    address, _ = served
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/individuals?id=1&section=Time+and+place")
    page.locator(".js-plotly-plot").nth(1).wait_for()
    page.goto(f"{address}/individuals?view=Conflicts")
    page.get_by_text("Too far for the time").wait_for()
    pictures = page.locator(".crops img")
    pictures.nth(1).wait_for()
    assert page.get_by_text("22.2 km in 20 min").count() == 1
    page.get_by_role("button", name="It can be").click()
    page.get_by_label("Why").fill("Carried to the vet in a car")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("Every sighting fits").wait_for()
    page.reload()
    page.get_by_text("1 accepted before").wait_for()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
