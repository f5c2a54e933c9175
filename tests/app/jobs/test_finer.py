"""RAPID's finer profile in idle time: the coarse one ranks until the finer one has seen every crop, and never both."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.analysis import pictures
from app.analysis.context import Workshop, open_workshop
from app.analysis.crops import describe_finer
from app.analysis.model_choice import Choice, choose
from app.analysis.new_media import media_row
from app.ingest.intake import source_files
from app.ingest.limits import Limits
from app.jobs import describe as described_again
from app.jobs import finer
from app.matching import calibrate
from app.matching.gallery import Gallery
from app.matching.trust import calibration_state
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.detections import both_profiles, rapid_profile
from app.survey.detections.features import feature_version, local_model, outdated_count
from app.survey.individuals import calibrations, rankings
from app.survey.individuals.calibrations import SCALE
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.detections import Detection, DetectionReview, Feature, ModelVersion
from app.survey.tables.media import ImportBatch, ImportState, Stage
from modal_backend.contracts import Box, Provenance
from modal_backend.models.probability.calibration import FUSED, FUSED_FINE, start
from modal_backend.models.rapid.features import PROFILES
from modal_backend.registry import LOCAL, LOCAL_FINE
from tests.support.commands import ROOT, environment
from tests.support.striped import card
from tests.support.surveys import add_media, describe, found

AUTO = Choice(finer=LOCAL_FINE)
FINE = Provenance("embedded", LOCAL_FINE, "1", "", PROFILES[LOCAL_FINE][1])
COARSE = Provenance("embedded", LOCAL, "1", "", PROFILES[LOCAL][1])
WHOLE = {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}

WORK = """
import sys, threading, time
from app import finer, worker
from app.settings import Settings
from app.survey.database import open_survey
from app.survey.described import local_model
finer.IDLE_SECONDS = 0.0
worker.HEARTBEAT_SECONDS = 0.5
settings = Settings()
survey = open_survey(settings)
end = time.monotonic() + 60
def until():
    with survey.read() as session:
        return local_model(session) == "rapid-448" or time.monotonic() > end
worker.run_worker(survey, settings, threading.Event(), until)
"""


def crop(survey: Survey, number: int, *by: Provenance) -> int:
    made = add_media(survey, [found()], minutes=60.0 * number)[1][0]
    for provenance in by:
        describe(survey, made, number, provenance)
    return made


def settled(survey: Survey, *, open_imports: bool = False) -> None:
    with survey.write() as session:
        if not open_imports:
            session.execute(sa.update(ImportBatch).values(state=ImportState.DONE))
        rapid_profile.choose(session, both_profiles.best(session, LOCAL, LOCAL_FINE))


def test_the_finer_profile_ranks_once_it_has_seen_every_crop_and_until_a_crop_comes_without_it(survey: Survey):
    first, second = crop(survey, 0, COARSE), crop(survey, 1, COARSE)
    settled(survey)
    describe(survey, first, 0, FINE)
    settled(survey)
    with survey.read() as session:
        assert local_model(session) == LOCAL
        assert both_profiles.lacking(session, LOCAL_FINE, limit=9) == [second]
        assert both_profiles.sentence(session, LOCAL_FINE).startswith("RAPID ranks; 1 crop waits")
        assert outdated_count(session, LOCAL) == 0
        before = rankings.stamp(session)
    describe(survey, second, 1, FINE)
    settled(survey)
    with survey.read() as session:
        assert local_model(session) == LOCAL_FINE
        assert both_profiles.sentence(session, LOCAL_FINE) == "RAPID 448, the finer profile, ranks."
        assert outdated_count(session, LOCAL) == 0
        assert rankings.stamp(session).split("-")[1:] != before.split("-")[1:]  # rankings of before are not fresh
    third = crop(survey, 2, COARSE)
    with survey.write() as session:
        both_profiles.coarse_alone(session, LOCAL, LOCAL_FINE, {third: Box(0.2, 0.3, 0.3, 0.4)})
    with survey.read() as session:
        assert local_model(session) == LOCAL
        assert set(rankings.waiting(session, feature_version(session, LOCAL))) == {first, second, third}


def test_a_crop_that_is_no_animal_any_more_holds_nothing_up(survey: Survey):
    crop(survey, 0, COARSE, FINE)
    other = crop(survey, 1, COARSE)
    with survey.write() as session:
        session.add(DetectionReview(detection_id=other, verdict="rejected", who="ana"))
    settled(survey)
    with survey.read() as session:
        assert local_model(session) == LOCAL_FINE


def test_a_box_that_moved_loses_what_the_finer_profile_said_of_the_old_one(survey: Survey):
    moved = crop(survey, 0, COARSE, FINE)
    settled(survey)
    with survey.write() as session:
        both_profiles.coarse_alone(session, LOCAL, LOCAL_FINE, {moved: Box(0.3, 0.3, 0.3, 0.4)})
    with survey.read() as session:
        assert local_model(session) == LOCAL
        assert both_profiles.lacking(session, LOCAL_FINE, limit=9) == [moved]


def test_no_slice_is_due_while_an_import_is_open_nor_in_a_large_survey_nor_where_the_operator_chose(
    survey: Survey, monkeypatch: pytest.MonkeyPatch
):
    crop(survey, 0, COARSE)
    with survey.read() as session:
        assert imports.any_open(session)
        assert finer.job_id(session, AUTO) is None
    settled(survey)
    with survey.read() as session:
        due = finer.job_id(session, AUTO)
        assert due is not None
        assert finer.job_id(session, Choice()) is None
        assert finer.job_id(session, Choice(local=LOCAL_FINE)) is None
    crop(survey, 1, COARSE)
    settled(survey)
    with survey.read() as session:
        assert finer.job_id(session, AUTO) not in (None, due)
        monkeypatch.setattr(both_profiles, "MOST_CROPS", 1)
        assert finer.job_id(session, AUTO) is None
        assert "surveys of up to 1 crops" in both_profiles.sentence(session, LOCAL_FINE)


def test_auto_is_the_default_and_the_operators_choices_stay(monkeypatch: pytest.MonkeyPatch):
    from app.settings import Settings

    def chosen(**values: str) -> tuple[str, str | None]:
        choice = choose(Settings(backend="embedded", **values), ())
        return choice.local, choice.finer

    assert chosen() == (LOCAL, LOCAL_FINE)
    assert chosen(local_features="rapid") == (LOCAL, None)
    assert chosen(local_features="rapid-448") == (LOCAL_FINE, None)


@pytest.fixture
def shop(survey: Survey, tmp_path: Path):
    """A workshop on auto whose survey holds three stored pictures with a drawn animal each, described coarsely."""
    folder = card(tmp_path / "card")
    with open_workshop(survey, "test", choose=lambda: AUTO) as shop:
        reads = [pictures.read_file(shop, file, None) for file in source_files(folder, limits=Limits())]
        with survey.write() as session:
            batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
            for media in [media_row(session, batch, read) for read in reads]:
                drawn = {"drawn_by": "ana", "category": "animal", "confidence": 1.0}
                session.add(Detection(media_id=media.id, **drawn, **WHOLE))
                media.stage = Stage.READY
            imports.finish(session, batch.id, error=None)
        with survey.read() as session:
            drawn_ids = list(session.scalars(sa.select(Detection.id).where(Detection.drawn_by == "ana")))
        pictures.describe_boxes(shop, drawn_ids)
        yield shop


def profiles_of(survey: Survey) -> dict[str, int]:
    rows = sa.select(ModelVersion.model, sa.func.count()).join(Feature).group_by(ModelVersion.model)
    with survey.read() as session:
        return {model: count for model, count in session.execute(rows) if model.startswith(LOCAL)}


def test_slices_stop_when_somebody_wants_the_worker_and_otherwise_go_on_to_the_end(
    survey: Survey, shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(finer, "AT_ONCE", 1)
    finer.settle(shop)
    with survey.read() as session:
        first = session.scalar(sa.select(sa.func.min(Detection.id)))
    crops = pictures.crops_of_boxes(shop, [first])
    with survey.write() as session:
        session.add(DetectionReview(detection_id=first, who="ana", **{**WHOLE, "x": 0.1, "width": 0.9}))
    describe_finer(shop, crops, LOCAL_FINE)  # somebody moved the box while it was being described
    assert profiles_of(survey) == {LOCAL: 3}
    with survey.write() as session:
        session.execute(sa.delete(DetectionReview))
    asked = iter([False, True])
    assert finer.describe_slice(shop, lambda: next(asked)) == 1
    assert profiles_of(survey) == {LOCAL: 3, LOCAL_FINE: 1}
    assert not finer.settle(shop)
    described_again.begin_again(shop)  # a worker that starts again keeps both
    assert profiles_of(survey) == {LOCAL: 3, LOCAL_FINE: 1}
    ran = subprocess.run(
        [sys.executable, "-c", WORK], cwd=ROOT, env=environment(survey.data_dir), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert profiles_of(survey) == {LOCAL: 3, LOCAL_FINE: 3}
    with survey.read() as session:
        assert local_model(session) == LOCAL_FINE
        drawn = list(session.scalars(sa.select(Detection.id).where(Detection.drawn_by == "ana")))
    pictures.describe_boxes(shop, drawn[:1])  # a single box gets both, so that the finer profile goes on ranking
    Gallery(survey).rank(drawn[0], Scope())
    with survey.read() as session:
        assert local_model(session) == LOCAL_FINE
        row = rankings.ranking(session, drawn[0], FUSED, Scope())
        assert row is not None
        assert LOCAL_FINE in row.candidates[0]["models"]
    plain = replace(shop, choose=Choice)
    finer.settle(plain)
    described_again.begin_again(plain)
    with survey.read() as session:
        assert local_model(session) == LOCAL  # the operator's word counts at once
        assert outdated_count(session, LOCAL) == 0


def test_a_newer_version_of_the_finer_profile_makes_it_begin_anew(survey: Survey):
    crop(survey, 0, COARSE, replace(FINE, version="0"))
    settled(survey)
    with survey.read() as session:
        assert local_model(session) == LOCAL_FINE
    with open_workshop(survey, "test", choose=lambda: AUTO) as shop:
        described_again.begin_again(shop)
        assert finer.settle(shop)
    assert profiles_of(survey) == {LOCAL: 1}
    with survey.read() as session:
        assert local_model(session) == LOCAL


def figures(score: float, local: str) -> dict[str, object]:
    models = {name: {"score": score, "probability": 0.5} for name in (local, FUSED)}
    return {"scale": SCALE, "model": FUSED, "score": score, "models": models}


def test_a_survey_calibrated_with_the_coarse_profile_takes_the_finer_ones_start_values_when_that_ranks(survey: Survey):
    crop(survey, 0, COARSE, FINE)
    made = [crop(survey, number) for number in range(1, 89)]
    with survey.write() as session:
        rapid_profile.choose(session, LOCAL)
        for number, (one, other) in enumerate(zip(made[::2], made[1::2], strict=True)):
            view = figures(300.0 + number if number % 2 else 20.0 + number, LOCAL)
            if number % 2:
                identity.say_same(session, "ana", one, other, view=view)
            else:
                identity.say_pair(session, "ana", one, other, "different", view=view)
    calibrate.calibrate(survey)
    with survey.read() as session:
        assert calibration_state(session, FUSED).own
        coarse = calibrate.in_use(session)[FUSED]
        assert not calibrate.is_due(session)
    with survey.write() as session:
        rapid_profile.choose(session, LOCAL_FINE)
    with survey.read() as session:
        assert calibrate.in_use(session)[FUSED] == start(FUSED_FINE) != coarse
        assert not calibration_state(session, FUSED).own
        assert calibrations.decided_pairs(session, FUSED_FINE) == []
        assert len(calibrations.decided_pairs(session, FUSED)) == 44
        assert "no decided pair was ranked by this model yet" in calibration_state(session, FUSED).sentence
        assert calibrate.is_due(session)
    calibrate.calibrate(survey)
    with survey.write() as session:
        assert not calibrate.is_due(session)
        assert calibrate.in_use(session)[LOCAL_FINE].knots == start(LOCAL_FINE).knots
        rapid_profile.choose(session, LOCAL)
    with survey.read() as session:
        assert calibrate.in_use(session)[FUSED] == coarse
