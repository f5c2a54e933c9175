"""Stations in a real browser: a table taken, a station renamed, joined, split, a clock corrected, each undone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.media import clocks
from app.survey.media.stations import deployment_views
from app.survey.tables.media import Media
from tests.browser.conftest import _served
from tests.support.catalogued import DAY
from tests.support.surveys import add_media, everything, found

pytestmark = pytest.mark.browser
TABLE = "station,lattitude,longitude,start,end\nRidg,-23.5417,30.1667,2024-03-01,2024-04-02\n"
WAIT = 60.0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Survey]]:
    """The dashboard over four images of Ridge on two days and one of Valley."""
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path, _env_file=None))
    for minutes in (0, 20, DAY, DAY + 0.5):
        add_media(survey, [found()], folder="Ridge", minutes=minutes)
    add_media(survey, [found()], folder="Valley", minutes=30)
    with survey.write() as session:
        clocks.retime(session, [1, 2])
    with _served("app/main.py", tmp_path) as address:
        yield address, survey
    survey.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1366, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(WAIT * 1000)
    yield opened
    context.close()


def stations(survey: Survey) -> dict[str, tuple[str, float | None, int]]:
    """Station, latitude and number of media of every deployment, by its name."""
    with survey.read() as session:
        media = Counter(session.scalars(sa.select(Media.deployment_id)))
        return {view.name: (view.station, view.latitude, media[view.id]) for view in deployment_views(session)}


def wait_for(survey: Survey, wanted: Any, found_there: Any = stations) -> None:
    """Until the survey says so."""
    end = time.monotonic() + WAIT
    while found_there(survey) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    assert found_there(survey) == wanted


def press(page: Any, name: str) -> None:
    """Press the button that does what the form says, once it may be pressed."""
    page.locator('[data-testid="stButton"]').get_by_role("button", name=name, exact=True).click()


def undo(page: Any) -> None:
    """Press the page's button; its name ends with its key."""
    page.locator('[data-testid="stMain"]').get_by_role("button", name="Undo").last.click()


def choose(page: Any, name: str) -> None:
    """Choose what to change."""
    page.locator('[data-testid="stButtonGroup"]').get_by_text(name, exact=True).click()


def write(page: Any, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def test_every_change_of_stations_and_clocks_is_made_and_undone_by_clicks(served, page, tmp_path):
    address, survey = served
    state, before = everything(survey), stations(survey)
    page.goto(f"{address}/stations")
    page.get_by_text("Take stations from a table").click()
    (tmp_path / "table.csv").write_text(TABLE)
    page.locator('input[type="file"]').set_input_files(tmp_path / "table.csv")
    page.get_by_text("Did you mean latitude by lattitude?").wait_for()
    page.get_by_text("There is no station Ridg. Did you mean").wait_for()
    press(page, "Take 1 line")
    wait_for(survey, before | {"Ridge": ("Ridge", -23.5417, 4)})
    undo(page)
    wait_for(survey, state, everything)

    write(page, "New name", "Ridge east")
    press(page, "Rename the deployment")
    wait_for(survey, {"Ridge east": ("Ridge", None, 4), "Valley": before["Valley"]})
    undo(page)
    wait_for(survey, state, everything)

    choose(page, "Join")
    page.get_by_text("Ridge will have 5 media (1 more); Valley is gone.").wait_for()
    press(page, "Join")
    wait_for(survey, {"Ridge": ("Ridge", None, 5)})
    undo(page)
    wait_for(survey, state, everything)

    choose(page, "Split by date")
    page.get_by_text("2 media stay, 2 go to Ridge 2.").wait_for()
    press(page, "Split")
    wait_for(survey, before | {"Ridge": ("Ridge", None, 2), "Ridge 2": ("Ridge", None, 2)})
    undo(page)
    wait_for(survey, state, everything)

    page.goto(f"{address}/stations?stations-view=Clocks&deployment=1&media=3")
    write(page, "This picture was taken at", "2024-03-13 06:48")
    page.get_by_text("2 media (0 videos) of 1 event move").wait_for()
    press(page, "Correct the clock")
    wait_for(survey, ["05:41", "06:01", "06:48", "06:48", "06:11"], times)
    undo(page)
    wait_for(survey, state, everything)


def times(survey: Survey) -> list[str]:
    with survey.read() as session:
        return [f"{at:%H:%M}" for at in session.scalars(sa.select(Media.taken_at).order_by(Media.id))]
