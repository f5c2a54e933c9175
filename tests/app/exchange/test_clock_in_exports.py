"""A clock corrected from one picture on moves every export, events and activity, once; undone, all is as before."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from pypdf import PdfReader

from app.exchange.camtrap_dp import Statement
from app.exchange.formats import FORMATS
from app.exchange.wishes import Wish
from app.survey.capture.history import Design
from app.survey.database import Survey
from app.survey.decisions import boxes
from app.survey.decisions.stations import correct_clock
from app.survey.decisions.undoing import undo_one
from app.survey.media import clocks
from app.survey.media.overview import glance
from app.survey.tables.deployments import Event
from tests.support.catalogued import DAY, opened, place, seen
from tests.support.surveys import add_media, everything, found

HOUR_AND_SEVEN = 67 * 60
LATE = 2 * DAY + 18 * 60  # at 23:41
WISH = Wish(Design(occasion_days=1), statement=Statement("Ridge", "targeted", "activityDetection", "+05:30"))
NEEDS_FILES = {"images", "crops", "everything"}


@pytest.fixture
def late(tmp_path: Path):
    """A tiger and a deer at Ridge, the last pictures shortly before midnight, and the tiger at Valley."""
    with opened(tmp_path) as survey:
        for minutes in (0, 2 * DAY, LATE):
            seen(survey, "Machli", "Ridge", minutes)
        (deer,) = add_media(survey, [found()], folder="Ridge", minutes=LATE + 0.5)[1]
        seen(survey, "Machli", "Valley", DAY)
        with survey.write() as session:
            boxes.correct_box(session, "ana", deer, species="Axis axis")
            clocks.retime(session, [1, 2])
        place(survey, "Ridge", 23.5431, 85.9682)
        place(survey, "Valley", 23.5576, 85.9411)
        yield survey


def contents(name: str, data: bytes) -> str:
    """What a file says, those in it included, without the day on which it was written."""
    if name.endswith(".xlsx"):
        return str([list(sheet.values) for sheet in load_workbook(io.BytesIO(data))])
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            inner = [each for each in package.namelist() if "README" not in each]
            return "\n".join(contents(each, package.read(each)) for each in inner)
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages) if name.endswith(".pdf") else ""
    return re.sub(r"2026-\d\d-\d\d[T ][\d:.+Z]+|gpkg_contents.*", "", text or data.decode("utf-8", "replace"))


def written(survey: Survey, folder: Path) -> dict[str, str]:
    """Every export that needs no picture, by its key."""
    texts = {}
    for key in FORMATS.keys() - NEEDS_FILES:
        out = folder / f"{key}.{FORMATS[key].suffix}"
        FORMATS[key].write(survey, WISH, out)
        texts[key] = contents(out.name, out.read_bytes())
    return texts


def hours(survey: Survey) -> list[int]:
    with survey.read() as session:
        return [hour for hour, count in enumerate(glance(session, 0.5).hours) for _ in range(count)]


def events(survey: Survey) -> list[tuple]:
    with survey.read() as session:
        return [tuple(row) for row in session.execute(sa.select(Event.started_at, Event.ended_at).order_by(Event.id))]


def test_a_clock_corrected_from_one_picture_on_moves_every_export_once_and_comes_back(late, tmp_path):
    state, before, active, grouped = everything(late), written(late, tmp_path), hours(late), events(late)
    with late.write() as session:
        decision = correct_clock(session, "ana", 1, HOUR_AND_SEVEN, first=3).id
    after = written(late, tmp_path)
    assert {key for key in before if before[key] == after[key]} == set()
    timed = {key for key in before if "23:41" in before[key]}
    assert timed >= {"camtrapr", "camtrap-dp", "sightings", "catalogue", "megadetector", "coco"}
    for key in timed:
        assert "23:41" not in after[key], key
        assert "00:48" in after[key], key
        assert "05:41" in after[key], key
    assert sorted(set(active) - set(hours(late))) == [23]
    assert len(set(events(late)) - set(grouped)) == 1
    with late.write() as session:
        undo_one(session, decision, "ana")
    assert everything(late) == state
    assert (hours(late), events(late)) == (active, grouped)
    again = written(late, tmp_path)
    assert {key for key in before if before[key] != again[key]} == set()
