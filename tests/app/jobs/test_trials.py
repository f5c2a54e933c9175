"""A detector on trial looks last of all, fails no image, and what is decided about it is done by its jobs."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.analysis import trial as analysis
from app.analysis.calls import Lane
from app.analysis.context import Context, open_context
from app.jobs import trials as jobs
from app.sample.shipped import FOLDER
from app.survey.database import Survey
from app.survey.decisions.trials import let_stand
from app.survey.decisions.undoing import undo_one
from app.survey.detections.results import detector_of
from app.survey.media import claims, imports
from app.survey.tables.detections import Analysis, Feature
from app.survey.tables.media import ImportBatch, ImportState, Media, Stage
from app.survey.tables.trials import Trial, TrialImage
from app.survey.trials import figures, trials
from modal_backend.errors import JobFailed, WeightsMissing
from modal_backend.registry import CLOSER, DETECTOR
from tests.support.surveys import add_media, found
from tests.support.taken_in import take_in_pictures
from tests.support.waiting import wait_until
from tests.support.workers import worker


def begin(survey: Survey, model: str = CLOSER, share: int = 50) -> int:
    with survey.write() as session:
        return trials.start(session, "ana", model, share, all_images=True).id


def imported(survey: Survey, state: ImportState = ImportState.DONE) -> None:
    """Say where every import stands."""
    with survey.write() as session:
        session.execute(sa.update(ImportBatch).values(state=state))


@pytest.fixture
def context(survey: Survey, tmp_path: Path):
    """A context whose survey holds two analysed images with animals."""
    folder = tmp_path / "card"
    folder.mkdir()
    for number in (1, 2):
        shutil.copy(FOLDER / "Ridge 1" / f"IMG_000{number}.JPG", folder)
    with open_context(survey, "test") as context:
        with survey.write() as session:
            batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
        take_in_pictures(context, batch.id, folder)
        imported(survey)
        yield context


def look(context: Context, trial_id: int, media_ids: list[int]) -> None:
    asyncio.run(analysis.look(context, trial_id, media_ids, f"trial-{trial_id}-1", Lane()))


def due(survey: Survey) -> list[str]:
    with survey.read() as session:
        return [job.workflow_id for job in jobs.Lookout().due(session)]


def test_what_the_tried_model_finds_is_kept_beside_and_the_image_stays_as_it_was(context: Context):
    trial = begin(context.survey)
    look(context, trial, [1, 2])
    with context.survey.read() as session:
        assert [detector_of(session, number) for number in (1, 2)] == [DETECTOR] * 2
        assert session.scalar(sa.select(sa.func.count(Analysis.id))) == 4
        found = figures.agreement(session, trial)
        assert (found.images, found.failed) == (2, 0)
        new, old = figures.paces(session, trial)
        assert (new.model, old.model) == (CLOSER, DETECTOR)
        assert new.seconds > 0
        assert new.run_seconds is None, "nothing ran on Modal"


def test_an_image_that_cannot_be_read_fails_in_the_trial_alone(context: Context):
    trial = begin(context.survey)
    with context.survey.read() as session:
        lost = session.get_one(Media, 1)
    context.store.path_of(lost.sha256, "jpeg").unlink()
    look(context, trial, [1, 2])
    with context.survey.read() as session:
        failed = session.get_one(TrialImage, (trial, 1))
        assert "cannot be read" in failed.failure
        assert session.get_one(Media, 1).stage == Stage.READY
        assert figures.agreement(session, trial).images == 1


def raising(error: Exception):
    async def ask(*_args, **_more):
        raise error

    return ask


def test_images_that_a_call_fails_on_are_written_down_and_missing_weights_stop_the_trial(context, monkeypatch):
    trial = begin(context.survey)
    monkeypatch.setattr(analysis, "ask", raising(JobFailed("no memory")))
    look(context, trial, [1])
    with context.survey.read() as session:
        assert session.get_one(TrialImage, (trial, 1)).failure == "no memory"
    monkeypatch.setattr(analysis, "ask", raising(WeightsMissing("no weights", remedy="Fetch them.")))
    with pytest.raises(WeightsMissing):
        look(context, trial, [2])
    with context.survey.write() as session:
        jobs.end_slice(session, trial, "no weights Fetch them.")
    assert due(context.survey) == []
    with context.survey.write() as session:
        trials.try_again(session, trial)
        assert trials.waiting(session, session.get_one(Trial, trial), 9)


def test_it_is_due_only_while_nothing_else_is_under_way(survey: Survey):
    for _ in range(2):
        add_media(survey, [found()])
    trial = begin(survey)
    assert due(survey) == [], "the import is open"
    imported(survey)
    assert due(survey) == [f"trial-{trial}-1"]
    with survey.write() as session:
        session.execute(sa.update(Media).where(Media.id == 2).values(stage=Stage.STORED))
        claims.claim(session, [2], "a job")
    assert due(survey) == [], "a job is at work on an image"
    with survey.write() as session:
        claims.release(session, [2])
    with survey.read() as session:
        assert jobs._next_to_try(session, trial, 1) == [[1]]
    imported(survey, ImportState.QUEUED)
    with survey.read() as session:
        assert jobs._next_to_try(session, trial, 1) == [], "an import that begins ends the slice"
    imported(survey)
    with survey.write() as session:
        jobs.end_slice(session, trial, "")
    assert due(survey) == [f"trial-{trial}-2"]
    with survey.write() as session:
        trials.end(session, "ana", trial, remove=False)
    assert due(survey) == []


def test_one_that_breaks_off_waits_for_a_person_and_says_why(survey: Survey):
    add_media(survey, [found()])
    trial = begin(survey)
    imported(survey)
    with survey.write() as session:
        jobs.broke_off(session, trial, "killed")
        assert "killed" in session.get_one(Trial, trial).trouble
    assert due(survey) == []


def test_a_worker_tries_a_model_lets_it_stand_and_leads_back(context: Context):
    survey = context.survey
    with survey.write() as session:  # both images are in the share whatever their content
        session.add(Trial(model=CLOSER, share=99, after_media=0, who="ana"))

    def state() -> tuple[set[str | None], set[str], int | None]:
        with survey.read() as session:
            detectors = {detector_of(session, number) for number in (1, 2)}
            return detectors, set(session.scalars(sa.select(Media.stage))), session.get_one(Trial, 1).turned

    def tried() -> int:
        with survey.read() as session:
            return figures.agreement(session, 1).images

    with worker(survey.data_dir):
        wait_until(lambda: tried() == 2)
        assert state() == ({DETECTOR}, {Stage.READY}, None)
        with survey.write() as session:
            decision = let_stand(session, "ana", 1).id
        wait_until(lambda: state() == ({CLOSER}, {Stage.READY}, None))
        with survey.read() as session:
            described = sa.select(Feature.detection_id).distinct()
            assert session.scalar(sa.select(sa.func.count()).select_from(described.subquery()))
        with survey.write() as session:
            undo_one(session, decision, "ana")
        wait_until(lambda: state() == ({DETECTOR}, {Stage.READY}, None))
        with survey.write() as session:
            trials.end(session, "ana", 1, remove=True)
        wait_until(lambda: _state_of(survey) == "ended")


def _state_of(survey: Survey) -> str:
    with survey.read() as session:
        return session.get_one(Trial, 1).state
