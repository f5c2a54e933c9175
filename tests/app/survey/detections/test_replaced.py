"""Boxes wait for nobody in Identify once another analysis of their media counts, however it came to count."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from app.exchange.incoming import bringing_in
from app.survey.database import Survey
from app.survey.decisions import boxes, identity, undoing
from app.survey.decisions.results import bring_in
from app.survey.decisions.videos import use_run
from app.survey.detections import results
from app.survey.detections.features import feature_version, lacking, lacking_count
from app.survey.individuals import rankings
from app.survey.tables.detections import BoxAside, Detection
from app.survey.tables.media import Media
from app.survey.tables.videos import VideoRunRow
from modal_backend.contracts import Provenance
from modal_backend.registry import CLOSER, LOCAL
from tests.pages.test_videos import add_run, add_video
from tests.support.surveys import LOCAL as LOCAL_VERSION
from tests.support.surveys import add_media, describe, found

NEWER = Provenance("embedded", "pocket-detector", "newer", "1" * 64, "test")
CLOSE = Provenance("embedded", CLOSER, "test", "1" * 64, "test")


def waiting(survey: Survey) -> list[int]:
    """The crops that wait; their number is the count that the pages show."""
    with survey.read() as session:
        local = feature_version(session, LOCAL)
        ids = rankings.waiting(session, local)
        assert rankings.waiting_count(session, local) == len(ids)
    return sorted(ids)


def analyse_anew(survey: Survey, media_id: int, model: Provenance) -> int:
    """Another model looks at a media, and what it finds counts; returns its box, described."""
    with survey.write() as session:
        version = results.model_version(session, "detect", model, 0.5)
        (box,) = results.store_analysis(session, media_id, version, None, [found(x=0.6)])
    describe(survey, box, box)
    return box


def take_in_file(survey: Survey, folder: Path) -> list[int]:
    """A file of another tool comes in with a box on each of two images; returns its boxes, described."""
    result = {"detections": [{"category": "1", "conf": 0.8, "bbox": [0.1, 0.1, 0.2, 0.2]}]}
    document = {"images": [{"file": f"Ridge 1/IMG_000{number}.JPG", **result} for number in (1, 2)]}
    file = folder / "results.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    number = bringing_in.register(survey, file, file.name, "ana")
    bringing_in.read_in(survey, number)
    with survey.write() as session:
        bring_in(session, "ana", number)
    bringing_in.take_some(survey, number, 0)
    bringing_in.finish(survey, number)
    with survey.read() as session:
        ids = list(session.scalars(sa.select(Detection.id).where(Detection.x == 0.1)))
    for crop in ids:
        describe(survey, crop, crop)
    return ids


def crops(survey: Survey) -> list[int]:
    """Two images with a described box each."""
    ids = [add_media(survey, [found()])[1][0] for _ in range(2)]
    for crop in ids:
        describe(survey, crop, crop)
    return ids


@pytest.mark.parametrize("model", [CLOSE, NEWER], ids=["look closer", "a newer version"])
def test_boxes_of_an_earlier_look_do_not_wait_and_are_no_candidates(survey, model):
    first, second = crops(survey)
    newer = analyse_anew(survey, 1, model)
    assert waiting(survey) == [second, newer]
    with survey.read() as session:
        assert first in rankings.allowed(session, second, rankings.Scope())[1]
        assert rankings.is_decided(session, first)


def test_the_first_model_asked_again_brings_its_boxes_back(survey):
    first, second = crops(survey)
    newer = analyse_anew(survey, 1, CLOSE)
    with survey.write() as session:
        version = session.scalar(sa.text("select model_version_id from analysis order by id limit 1"))
        row = session.get_one(results.ModelVersion, version)
        results.store_analysis(session, 1, row, None, [])
    assert newer not in waiting(survey)
    assert waiting(survey) == [first, second]


def test_boxes_that_a_file_replaced_wait_again_after_its_undo_and_not_after_its_redo(survey, tmp_path):
    mine = crops(survey)
    theirs = take_in_file(survey, tmp_path)
    assert waiting(survey) == theirs
    with survey.write() as session:
        taken_back = undoing.undo_last(session, "ana", ["bring in results"])
    assert waiting(survey) == mine
    with survey.write() as session:
        undoing.redo_one(session, taken_back.id, "ana")
    assert waiting(survey) == theirs


def test_boxes_of_a_file_that_no_longer_counts_do_not_wait_where_nothing_else_was_found(survey, tmp_path):
    for _ in range(2):
        add_media(survey)
    with survey.write() as session:
        session.execute(sa.update(Media).values(analysis_id=None, stage="stored"))
        session.execute(sa.text("delete from analysis"))
    theirs = take_in_file(survey, tmp_path)
    assert waiting(survey) == theirs
    with survey.write() as session:
        undoing.undo_last(session, "ana", ["bring in results"])
    assert waiting(survey) == []


@pytest.mark.parametrize(
    "decide",
    [
        lambda session, crop: identity.new_individual(session, "ana", crop),
        lambda session, crop: identity.set_identity_state(session, "ana", crop, "unidentifiable"),
        lambda session, _crop: boxes.accept_media(session, "ana", 1, 0.5),
    ],
    ids=["named", "unidentifiable", "accepted"],
)
def test_what_a_person_decided_stays_as_it_is_when_a_file_comes_in(survey, tmp_path, decide: Callable):
    first, _ = crops(survey)
    with survey.write() as session:
        decide(session, first)
    before = first in waiting(survey)
    take_in_file(survey, tmp_path)
    assert (first in waiting(survey)) == before
    with survey.read() as session:
        assert first not in set(session.scalars(sa.select(BoxAside.detection_id)))


def test_a_replaced_box_that_a_person_decides_about_counts_until_that_is_undone(survey):
    first, second = crops(survey)
    newer = analyse_anew(survey, 1, CLOSE)
    with survey.write() as session:
        decision = boxes.correct_box(session, "ana", first, species="deer")
    assert waiting(survey) == [first, second, newer]
    with survey.write() as session:
        undoing.undo_one(session, decision.id, "ana")
    assert waiting(survey) == [second, newer]


def test_replaced_boxes_are_described_anew_only_once_they_count_again(survey, tmp_path):
    mine = crops(survey)
    theirs = take_in_file(survey, tmp_path)
    describe(survey, theirs[0], 7, replace(LOCAL_VERSION, version="2"))

    def missing() -> list[int]:
        with survey.read() as session:
            assert lacking_count(session, LOCAL) == len(lacking(session, LOCAL))
            return lacking(session, LOCAL)

    assert missing() == [theirs[1]]
    with survey.write() as session:
        undoing.undo_last(session, "ana", ["bring in results"])
    assert missing() == mine


def test_a_box_that_was_replaced_while_it_was_described_does_not_wait(survey):
    (late,) = add_media(survey, [found()])[1]
    newer = analyse_anew(survey, 1, CLOSE)
    describe(survey, late, 1)
    assert waiting(survey) == [newer]


def test_boxes_of_a_run_that_does_not_count_do_not_wait_until_it_is_chosen(survey):
    media_id = add_video(survey)
    with survey.write() as session:
        old = session.scalars(sa.select(Detection.id)).first()
    describe(survey, old, 1)
    assert waiting(survey) == [old]
    with survey.write() as session:
        row = add_run(session, media_id, "another", 2)
        new = row.query_id = session.scalars(sa.select(Detection.id).order_by(Detection.id.desc())).first()
    describe(survey, new, 2)
    assert waiting(survey) == [new]
    with survey.write() as session:
        first = session.scalars(sa.select(VideoRunRow.id).order_by(VideoRunRow.id)).first()
        use_run(session, "ana", first)
    assert waiting(survey) == [old]


def test_boxes_that_an_older_program_left_waiting_are_put_aside_when_its_survey_is_opened(survey):
    first, second = crops(survey)
    newer = analyse_anew(survey, 1, CLOSE)
    with survey.write() as session:
        session.execute(sa.delete(BoxAside))
    assert waiting(survey) == [first, second, newer]
    migration = import_module("app.survey.migrations.versions.0034_replaced_boxes")
    with survey.write() as session, Operations.context(MigrationContext.configure(session.connection())):
        migration.upgrade()
    assert waiting(survey) == [second, newer]
