"""How much is kept by content and how often that spared a call: nothing is claimed that is not known."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.survey.calls import reuse
from app.survey.database import Survey
from app.survey.media import imports
from app.survey.tables.detections import Feature
from app.survey.tables.media import ImportBatch, ListedFile, Outcome
from tests.support.surveys import add_media, describe, found


def listed(survey: Survey, *outcomes: Outcome) -> int:
    """An import under way that has listed files with these outcomes."""
    with survey.write() as session:
        batch = imports.start_import(
            session, kind="folder", root=f"/card {session.query(ImportBatch).count()}", label="card"
        )
        session.add_all(
            ListedFile(import_id=batch.id, path=f"{number}.jpg", outcome=outcome)
            for number, outcome in enumerate(outcomes)
        )
        return batch.id


def asked(survey: Survey) -> tuple[int, int]:
    with survey.read() as session:
        found = reuse.asked(session)
        return found.files, found.reused


def test_an_empty_survey_has_been_asked_for_nothing_and_keeps_nothing(survey):
    with survey.read() as session:
        assert reuse.asked(session) == reuse.Asked(0, 0, None)
        assert reuse.kept(session) == reuse.Kept(0, 0)


def test_files_that_were_here_before_count_the_same_while_an_import_runs_and_after_it(survey):
    new, there = Outcome.NEW, Outcome.DUPLICATE
    number = listed(survey, new, there, there, Outcome.REFUSED, Outcome.LEFT_OUT)
    assert asked(survey) == (3, 2)
    with survey.write() as session:
        imports.finish(session, number)
        began = session.get_one(ImportBatch, number).created_at
    assert asked(survey) == (3, 2)
    listed(survey, there)
    assert asked(survey) == (4, 3)
    with survey.read() as session:
        assert reuse.asked(session).since == began


def test_what_is_kept_is_counted_and_weighed_by_its_newest_features(survey, monkeypatch):
    monkeypatch.setattr(reuse, "WEIGHED", 2)
    for _ in range(3):
        (crop,) = add_media(survey, [found()])[1]
        describe(survey, crop, crop)
    with survey.read() as session:
        kept = reuse.kept(session)
        held = sum(len(feature.vectors) + len(feature.points) for feature in session.scalars(sa.select(Feature)))
    assert kept == reuse.Kept(6, pytest.approx(held))
