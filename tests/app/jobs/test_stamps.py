"""Bars are read in idle time: what is due, what is written down, and that an import goes first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from PIL import Image

from app.analysis import stamps as analysis
from app.analysis.calls import Lane
from app.analysis.context import open_context
from app.jobs import stamps
from app.survey.database import Survey
from app.survey.media import imports
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import ImportBatch, ImportState, Media
from app.survey.tables.stamps import StampReading
from modal_backend.registry import STAMPS
from tests.support.burnt_in import burnt_in, right
from tests.support.surveys import add_media


def imported(survey: Survey, *, state: ImportState = ImportState.DONE) -> None:
    """Say where every import stands."""
    with survey.write() as session:
        session.execute(sa.update(ImportBatch).values(state=state))


def test_bars_are_read_once_and_what_cannot_be_read_is_written_down_too(survey: Survey, tmp_path: Path):
    plain = np.full((480, 640, 3), 90, np.uint8)
    picture, written = burnt_in(plain, 5001)
    for _ in range(2):
        add_media(survey, minutes=None)
    with open_context(survey, "test") as context:
        with survey.read() as session:
            first = session.get_one(Media, 1)
            path = context.store.path_of(first.sha256, "jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path, quality=92)
        imported(survey)
        with survey.read() as session:
            media_ids = stamps._next_media(session)
        asyncio.run(analysis.read_media(context, media_ids, "job", Lane()))
        with survey.read() as session:
            assert stamps._next_media(session) == []
    with survey.read() as session:
        read, lost = session.get_one(StampReading, 1), session.get_one(StampReading, 2)
        version = session.get_one(ModelVersion, read.model_version_id)
        assert (version.model, read.failure) == (STAMPS, None)
        (reading,) = stamps.stamps.readings(session)
        assert right(written, reading.dates, reading.time)
        assert lost.failure


def test_nothing_is_due_while_an_import_is_under_way_and_a_state_is_tried_once(survey: Survey):
    lookout = stamps.Lookout()
    add_media(survey, minutes=None)
    imported(survey, state=ImportState.RUNNING)
    with survey.read() as session:
        assert lookout.due(session) == []
    imported(survey)
    with survey.read() as session:
        assert imports.any_open(session) is False
        (due,) = lookout.due(session)
        assert lookout.due(session) == [due]
    with survey.write() as session:
        session.add(StampReading(media_id=1, grammar="1"))
    lookout._rest.until = 0.0
    with survey.read() as session:
        assert lookout.due(session) == []
