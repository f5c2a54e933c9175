"""No page of a new survey shows a person before somebody decides so: every picture that arrives is looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from app import files
from app.settings import Settings
from app.survey.database import open_survey
from app.survey.decisions import identity
from app.survey.detections.results import crop_name
from app.survey.tables.decisions import Decision
from app.survey.tables.media import Media, Stage
from modal_backend.contracts import Box, Category, Detection
from tests.browser.conftest import _served
from tests.browser.test_pages_browser import PAGES, go, settle
from tests.support.surveys import add_media

pytestmark = pytest.mark.browser

PERSON, ANIMAL = Box(0.5, 0.3, 0.2, 0.4), Box(0.3, 0.2, 0.5, 0.6)
SHARP = 25.0
PICTURES = ("/thumbs/", "/views/", "/crops/", "/frames/", "/files/")


def scene(width: int, height: int, person: Box) -> Image.Image:
    """Plain grey but for a person, who is chequered: nothing else in the survey has an edge."""
    values = np.full((height, width), 120, np.uint8)
    left, top, right, bottom = person.pixels(width, height)
    values[top:bottom, left:right] = np.indices((bottom - top, right - left)).sum(axis=0) // 6 % 2 * 255
    return Image.fromarray(values).convert("RGB")


def save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "JPEG", quality=95)


@pytest.fixture
def survey_dir(tmp_path: Path) -> Path:
    """Three pictures of an animal and a person, one named; and one that no model has looked at."""
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path, _env_file=None))
    inside = Box(0.4, 0.1667, 0.4, 0.6667)  # the person's box, relative to the animal's
    for number in range(4):
        found = [Detection(Category.ANIMAL, 0.9, ANIMAL), Detection(Category.PERSON, 0.12, PERSON)]
        media_id, ids = add_media(survey, found if number < 3 else [], minutes=600.0 * number)
        with survey.write() as session:
            media = session.get_one(Media, media_id)
            media.stage = Stage.READY if number < 3 else Stage.STORED
            save(scene(1600, 1200, PERSON), files.original_path(tmp_path, media.sha256, ".jpg"))
            save(scene(256, 192, PERSON), files.thumb_path(tmp_path, media.sha256))
            if ids:
                save(scene(512, 461, inside), files.crop_path(tmp_path, crop_name(ids[0], ANIMAL)))
            if number == 0:
                identity.new_individual(session, "ana", ids[0], name="Nala")
    survey.close()
    return tmp_path


@pytest.fixture
def dashboard_page(browser: Any, survey_dir: Path) -> Iterator[tuple[Any, dict[str, float]]]:
    """A page, and how sharp the sharpest part of every picture is that it has received, by address."""
    received: dict[str, float] = {}

    def look(response: Any) -> None:
        if any(part in response.url for part in PICTURES) and response.ok:
            values = np.asarray(Image.open(io.BytesIO(response.body())).convert("L"), float)
            edges = np.abs(np.diff(values, axis=1))
            received[response.url] = float(np.percentile(edges, 99.5))

    with _served("app/main.py", survey_dir) as address:
        context = browser.new_context(viewport={"width": 1400, "height": 900}, base_url=address)
        page = context.new_page()
        page.on("response", look)
        yield page, received
        context.close()


def test_every_page_blurs_people_until_one_picture_is_shown_and_logs_who_showed_it(dashboard_page, survey_dir):
    page, received = dashboard_page
    page.goto("/")
    settle(page)
    for name in PAGES:
        go(page, name)
        page.wait_for_timeout(400)
    go(page, "Individuals")
    page.get_by_text("Nala").first.click()
    page.wait_for_timeout(600)
    go(page, "Detections")
    page.locator(".tiles .tile").first.dblclick()
    page.locator(".viewer .picture").wait_for()
    page.wait_for_timeout(800)
    kinds = {part for part in PICTURES for address in received if part in address}
    assert {"/thumbs/", "/views/", "/crops/"} <= kinds
    assert {address: sharp for address, sharp in received.items() if sharp > SHARP} == {}

    page.keyboard.press("p")
    page.wait_for_function(
        "() => [...document.querySelectorAll('*')].some((n) => n.shadowRoot?.querySelector('.picture')"
        "?.src.includes('look=shown'))"
    )
    page.wait_for_timeout(800)
    shown = [address for address, sharp in received.items() if sharp > SHARP]
    assert len(shown) == 1
    assert "look=shown" in shown[0]
    survey = open_survey(Settings(PUGMARK_DATA_DIR=survey_dir, _env_file=None))
    with survey.read() as session:
        assert session.scalars(sa.select(Decision.kind).order_by(Decision.id.desc())).first() == "show people"
    survey.close()
