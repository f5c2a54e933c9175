"""A survey made by the version before opens with every decision, and its jobs go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa

from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import undoing
from app.survey.decisions.kinds import TABLES
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Feature, Ranking
from app.survey.tables.media import ImportBatch, ListedFile, Media, Stage
from tests.support.older_survey import DRAWN_BOX, QUERY, WAITING_IMPORT, unpack
from tests.support.waiting import wait_until
from tests.support.workers import worker

IMPORTED = ("deployment", "import_batch", "media")  # decisions change them, imports make them
LATER = (
    "media_time",
    "note_cluster_review",
    "people_shown",
    "results_review",
    "trial_review",
)  # tables that it did not have
DECIDED = ("decision", *(name for name in TABLES if name not in (*IMPORTED, *LATER)))
# Found by a model (two), listed from the start, asked.
NOT_DECIDED = {"detection", "frame_detection", "species_label", "video_answer"}


@pytest.fixture
def older(settings: Settings) -> Iterator[Survey]:
    settings.data_dir.mkdir()
    unpack(settings.data_dir)
    survey = open_survey(settings)
    yield survey
    survey.close()


def rows(settings: Settings, table: str) -> list[dict[str, object]]:
    with closing(sqlite3.connect(settings.data_dir / "survey.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"select * from {table} order by 1, 2")]


def state(settings: Settings) -> dict[str, list[dict[str, object]]]:
    return {table: rows(settings, table) for table in DECIDED if table != "decision"}


def test_every_decision_and_every_row_it_made_is_there_after_the_migrations(settings: Settings):
    settings.data_dir.mkdir()
    unpack(settings.data_dir)
    before = {table: rows(settings, table) for table in DECIDED}
    open_survey(settings).close()
    for table, old in before.items():
        new = rows(settings, table)
        assert [{name: row[name] for name in old[0]} for row in new] == old, table
    assert len(before["decision"]) > 45


def test_every_decision_of_it_can_be_undone_and_made_again(settings: Settings, older: Survey):
    decided = state(settings)
    with older.read() as session:
        standing = list(session.scalars(sa.select(Decision.id).where(Decision.undone_at.is_(None))))
    for number in sorted(standing, reverse=True):
        with older.write() as session:
            undoing.undo_one(session, number, "ana")
    assert {table for table, found in state(settings).items() if found} == NOT_DECIDED
    for number in sorted(standing):
        with older.write() as session:
            undoing.redo_one(session, number, "ana")
    assert state(settings) == decided


def test_a_corrected_clock_of_it_is_in_every_time_and_its_undo_takes_it_out(settings: Settings):
    settings.data_dir.mkdir()
    unpack(settings.data_dir)
    (review,) = [row for row in rows(settings, "deployment_review") if row["clock_offset_seconds"]]
    recorded = {row["id"]: row["taken_at"] for row in rows(settings, "media")}
    mine = {row["id"] for row in rows(settings, "media") if row["deployment_id"] == review["deployment_id"]}
    survey = open_survey(settings)

    def shifted() -> set[object]:
        return {row["id"] for row in rows(settings, "media") if row["taken_at"] != recorded[row["id"]]}

    assert mine
    assert shifted() == mine
    with survey.write() as session:
        kind = sa.select(Decision.id).where(Decision.kind == "deployment", Decision.undone_at.is_(None))
        for number in session.scalars(kind.order_by(Decision.id.desc())):
            undoing.undo_one(session, number, "ana")
    assert shifted() == set()
    survey.close()


def test_jobs_that_nobody_had_begun_are_done_by_a_worker_of_this_version(settings: Settings, older: Survey):
    def done() -> bool:
        with older.read() as session:
            imported = session.get_one(ImportBatch, WAITING_IMPORT).state not in ("queued", "running")
            described = session.scalar(sa.select(Feature.id).where(Feature.detection_id == DRAWN_BOX).limit(1))
            ranked = session.scalar(sa.select(Ranking.id).where(Ranking.detection_id == QUERY).limit(1))
        return imported and described is not None and ranked is not None

    with worker(settings.data_dir):
        wait_until(done)
    with older.read() as session:
        batch = session.get_one(ImportBatch, WAITING_IMPORT)
        assert (batch.state, batch.error) == ("done", None)
        mine = sa.select(ListedFile.media_id).where(ListedFile.import_id == WAITING_IMPORT)
        assert list(session.scalars(sa.select(Media.stage).where(Media.id.in_(mine)))) == [Stage.READY]
