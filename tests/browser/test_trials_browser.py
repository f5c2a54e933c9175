"""A detector on trial in a browser: figures, the images where both differ, let it stand and back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.analysis.context import open_context
from app.sample.shipped import FOLDER
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.detections import results
from app.survey.detections.results import detector_of
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ImportState
from app.survey.tables.trials import Trial
from app.survey.trials import trials
from modal_backend.contracts import Category, Provenance
from modal_backend.registry import CLOSER, DETECTOR
from tests.browser.conftest import _served
from tests.support.surveys import found
from tests.support.taken_in import take_in_pictures
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser

NEW = Provenance("embedded", CLOSER, "test", "1" * 64, "test")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survey]:
    """Two images with an animal. The tried model found none on the first; on the second another box, and a person."""
    folder = tmp_path_factory.mktemp("card")
    for number in (1, 2):
        shutil.copy(FOLDER / "Ridge 1" / f"IMG_000{number}.JPG", folder)
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path_factory.mktemp("trial"), _env_file=None))
    with open_context(survey, "test") as context:
        with survey.write() as session:
            batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
        take_in_pictures(context, batch.id, folder)
    with survey.write() as session:
        session.execute(sa.update(ImportBatch).values(state=ImportState.DONE))
        session.add(Trial(id=1, model=CLOSER, share=99, after_media=0, who="ana"))
        session.flush()
        version = results.model_version(session, "detect", NEW, 0.5)
        trials.keep(session, 1, 1, version, None, [])
        trials.keep(session, 1, 2, version, None, [found(x=0.6), found(0.7, x=0.1, category=Category.PERSON)])
    yield survey
    survey.close()


@pytest.fixture(scope="module")
def page(survey: Survey, browser: Any) -> Iterator[Any]:
    """Operations of that survey; there is no worker."""
    errors: list[str] = []
    with _served("app/main.py", survey.data_dir) as address:
        context = browser.new_context(viewport={"width": 1366, "height": 900}, base_url=address)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/operations")
        page.get_by_text("Its boxes do not count").wait_for(timeout=60_000)
        yield page
        context.close()
    assert errors == []


def detectors(survey: Survey) -> list[str | None]:
    with survey.read() as session:
        return [detector_of(session, number) for number in (1, 2)]


def test_an_image_where_both_differ_stands_there_twice_and_leads_to_the_viewer(survey: Survey, page: Any):
    page.get_by_text("The 1 image where they differ").click()
    row = page.locator(".st-key-trial-differing")
    row.get_by_text("Only pocket detector found an animal.").wait_for()
    shots = row.locator(".pm-shots a")
    assert shots.count() == 2
    assert [shots.nth(side).locator("i").count() > 0 for side in (0, 1)] == [True, False]
    wait_until(lambda: shots.first.locator("img").evaluate("(image) => image.naturalWidth") > 0)
    row.get_by_test_id("stPageLink").get_by_role("link").click()
    page.wait_for_url(re.compile("media=1"))
    page.go_back()
    page.get_by_text("Its boxes do not count").wait_for()


def test_the_viewer_shows_the_boxes_of_the_tried_detector_beside_when_asked_to(page: Any):
    page.goto("/detections?media=2")
    viewer = page.locator(".viewer")
    viewer.locator(".picture").wait_for(timeout=60_000)
    boxes, beside = viewer.locator(".box.live"), viewer.locator(".box.beside")
    wait_until(lambda: boxes.count() > 0)
    before = boxes.count()
    assert beside.count() == 0, "nobody who decides sees them unasked"
    wait_until(lambda: viewer.locator(".mosaic").count() == 1)  # a person that it alone found is blurred all the same
    page.keyboard.press("c")
    wait_until(lambda: beside.count() == 2)
    assert boxes.count() == before
    assert beside.locator(".chip").all_inner_texts() == ["pocket detector closer .90", ".70"]
    assert beside.first.evaluate("(box) => getComputedStyle(box).outlineStyle") == "dashed"
    button = viewer.get_by_role("button", name="Boxes of pocket detector closer")
    assert button.get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    assert beside.count() == 2, "it stays switched on from image to image"
    button.click()
    wait_until(lambda: beside.count() == 0)
    page.goto("/operations")
    page.get_by_text("Its boxes do not count").wait_for(timeout=60_000)


def test_one_click_lets_it_stand_and_one_leads_back(survey: Survey, page: Any):
    assert detectors(survey) == [DETECTOR] * 2
    page.get_by_role("button", name="Let it stand").click()
    page.get_by_text("stands after a trial").wait_for()
    assert detectors(survey) == [CLOSER] * 2
    page.locator(".st-key-trial-undo").get_by_role("button").click()
    page.get_by_text("Its boxes do not count").wait_for()
    assert detectors(survey) == [DETECTOR] * 2
