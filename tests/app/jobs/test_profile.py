"""RAPID's profile: chosen once for a survey, kept as it grows, and changed only when somebody asks for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.analysis import pictures
from app.analysis.calls import Lane
from app.analysis.context import Context, open_context
from app.analysis.model_choice import Chooser, usual_profile
from app.jobs import describe as described
from app.matching import calibrate
from app.matching.gallery import Gallery
from app.matching.trust import calibration_state
from app.settings import Settings
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.detections import rapid_profile
from app.survey.detections.features import lacking, local_model
from app.survey.individuals import calibrations, rankings
from app.survey.individuals.calibrations import SCALE
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.detections import Detection, DetectionReview, Feature, ModelVersion
from app.survey.tables.media import ImportBatch, ImportState, Media
from modal_backend.contracts import Provenance
from modal_backend.models.probability.calibration import FUSED, FUSED_FINE, start
from modal_backend.models.rapid.features import PROFILES
from modal_backend.registry import EMBEDDING, LOCAL, LOCAL_FINE, MATCH_FEATURES
from tests.support.commands import pugmark
from tests.support.striped import card
from tests.support.surveys import add_media, describe, found
from tests.support.taken_in import describe_slice, take_in_pictures

FINE = Provenance("embedded", LOCAL_FINE, "1", "", PROFILES[LOCAL_FINE][1])
COARSE = Provenance("embedded", LOCAL, "1", "", PROFILES[LOCAL][1])
WHOLE = {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}


def crop(survey: Survey, number: int, *by: Provenance) -> int:
    made = add_media(survey, [found()], minutes=60.0 * number)[1][0]
    for provenance in by:
        describe(survey, made, number, provenance)
    return made


def begin_import(survey: Survey, files: int, setting: str = "auto", usual: str = LOCAL_FINE) -> str | None:
    """An import that lists so many files begins; returns the survey's profile after that."""
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root="/card", label="card")
        batch.listed = files
        session.flush()
        rapid_profile.settle(session, setting, usual=usual, importing=True)
        imports.finish(session, batch.id, error=None)
        return rapid_profile.chosen(session)


def opened(survey: Survey, setting: str = "auto") -> tuple[str | None, str | None]:
    """A worker opens the survey; returns the profile that ranks and the one that is to take over."""
    with survey.write() as session:
        rapid_profile.settle(session, setting, usual=LOCAL_FINE)
        return rapid_profile.chosen(session), rapid_profile.coming(session)


def test_the_first_import_decides_by_the_files_it_lists(survey: Survey):
    assert opened(survey) == (None, None)
    assert begin_import(survey, 2_001) == LOCAL
    assert begin_import(survey, 2_000) == LOCAL_FINE  # nothing was described by the first one: it is chosen anew
    assert begin_import(survey, 5, usual=LOCAL) == LOCAL
    assert begin_import(survey, 5_000, setting=LOCAL_FINE) == LOCAL_FINE
    assert usual_profile(Settings(PUGMARK_BACKEND="embedded", _env_file=None)) == LOCAL_FINE


def test_a_bigger_survey_says_that_it_uses_the_coarse_profile(survey: Survey):
    begin_import(survey, 2_001)
    crop(survey, 0, COARSE)
    with survey.read() as session:
        sentence = rapid_profile.sentence(session)
    assert sentence == "RAPID 224 ranks; RAPID 448 is meant for surveys of up to 2,000 crops."


def test_a_survey_that_grows_keeps_its_profile(survey: Survey, monkeypatch: pytest.MonkeyPatch):
    begin_import(survey, 10)
    crop(survey, 0, FINE)
    crop(survey, 1, FINE)
    with survey.read() as session:
        before = rankings.stamp(session).split("-")[2:]
        assert not rapid_profile.is_large(session)
    monkeypatch.setattr(rapid_profile, "MOST_CROPS", 1)
    assert begin_import(survey, 300_000) == LOCAL_FINE
    assert opened(survey) == (LOCAL_FINE, None)
    with survey.read() as session:
        assert rapid_profile.is_large(session)
        assert rankings.stamp(session).split("-")[2:] == before
        assert local_model(session) == LOCAL_FINE


@pytest.mark.parametrize(
    ("crops", "profile", "left"),
    [
        ([(COARSE,), (COARSE,)], LOCAL, []),
        ([(COARSE, FINE), (COARSE,)], LOCAL, []),
        ([(FINE, COARSE), (FINE, COARSE)], LOCAL_FINE, []),
        ([(FINE,), (FINE,)], LOCAL_FINE, []),
        ([(COARSE,), (FINE,), (FINE,)], LOCAL_FINE, [0]),
    ],
)
def test_a_survey_of_an_earlier_version_keeps_the_profile_that_has_described_most_crops(
    survey: Survey, crops: list[tuple[Provenance, ...]], profile: str, left: list[int]
):
    made = [crop(survey, number, *by) for number, by in enumerate(crops)]
    assert opened(survey) == (profile, None)
    with survey.read() as session:
        assert local_model(session) == profile
        assert lacking(session, profile) == [made[number] for number in left]


def test_the_profile_an_earlier_version_chose_stays(survey: Survey):
    crop(survey, 0, COARSE, FINE)
    with survey.write() as session:
        rapid_profile.choose(session, LOCAL)
    assert opened(survey) == (LOCAL, None)


def test_a_profile_that_the_settings_name_takes_over_once_it_has_described_every_crop(survey: Survey):
    crop(survey, 0, COARSE)
    assert opened(survey, LOCAL_FINE) == (LOCAL, LOCAL_FINE)
    assert opened(survey, "auto") == (LOCAL, LOCAL_FINE)  # begun by a person or by a setting of before: it goes on
    assert opened(survey, LOCAL) == (LOCAL, None)


@pytest.fixture
def context(survey: Survey, tmp_path: Path):
    """A context whose survey holds three stored pictures with a drawn animal each, described by RAPID 224."""
    folder = card(tmp_path / "card")
    settings = Settings(PUGMARK_BACKEND="embedded", _env_file=None)
    with open_context(survey, "test", choose=Chooser(settings, list, survey)) as context:
        with survey.write() as session:
            rapid_profile.choose(session, LOCAL)
            batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
        take_in_pictures(context, batch.id, folder)
        with survey.write() as session:
            for media_id in session.scalars(sa.select(Media.id)).all():
                session.add(Detection(media_id=media_id, drawn_by="ana", category="animal", confidence=1.0, **WHOLE))
            imports.finish(session, batch.id, error=None)
        describe_slice(context)
        yield context


def profiles_of(survey: Survey) -> dict[str, int]:
    rows = sa.select(ModelVersion.model, sa.func.count()).join(Feature).group_by(ModelVersion.model)
    with survey.read() as session:
        return {model: count for model, count in session.execute(rows) if model.startswith(LOCAL)}


def test_a_change_of_profile_goes_on_in_slices_beside_the_old_one_and_ends_with_the_new_one_alone(
    survey: Survey, context: Context, monkeypatch: pytest.MonkeyPatch
):
    whole = profiles_of(survey)[LOCAL]
    with survey.write() as session:
        drawn = session.scalars(sa.select(Detection.id).where(Detection.drawn_by == "ana")).all()
        rapid_profile.change_to(session, LOCAL_FINE)
    monkeypatch.setattr(described, "SLICE", whole - 1)
    assert described.Lookout(context).due()
    assert describe_slice(context) == whole - 1
    with survey.write() as session:
        assert rapid_profile.progress(session) == (whole - 1, whole)
        assert rapid_profile.sentence(session) == "RAPID 224 ranks until RAPID 448 has described every crop."
        assert local_model(session) == LOCAL
        session.add(Detection(media_id=1, drawn_by="ben", category="animal", confidence=1.0, **WHOLE))
    # A crop that comes meanwhile ranks at once.
    asyncio.run(pictures.describe_boxes(context, [max(drawn) + 1], None, Lane()))
    assert profiles_of(survey) == {LOCAL: whole + 1, LOCAL_FINE: whole - 1}
    describe_slice(context)
    assert profiles_of(survey) == {LOCAL_FINE: whole + 1}
    Gallery(survey).rank(drawn[0], Scope())
    with survey.read() as session:
        assert rapid_profile.progress(session) is None
        assert local_model(session) == LOCAL_FINE
        row = rankings.ranking(session, drawn[0], FUSED, Scope())
        assert row is not None
        assert LOCAL_FINE in row.candidates[0]["models"]
    assert not described.Lookout(context).due()


def test_a_box_that_moved_is_described_again_by_the_survey_s_profile_and_so_is_one_that_moved_back(
    survey: Survey, context: Context
):
    with survey.write() as session:
        moved = session.scalar(sa.select(sa.func.min(Detection.id)).where(Detection.drawn_by == "ana"))
        session.add(DetectionReview(detection_id=moved, who="ana", **{**WHOLE, "x": 0.1, "width": 0.9}))
    with survey.read() as session:
        assert described.slice_of(session, context) == [([EMBEDDING, LOCAL, MATCH_FEATURES], [moved])]
    assert describe_slice(context) == 1
    with survey.read() as session:
        assert described.slice_of(session, context) == []


def test_a_crop_that_is_no_animal_any_more_holds_no_change_up(survey: Survey, context: Context):
    with survey.write() as session:
        other = session.scalar(sa.select(sa.func.min(Detection.id)).where(Detection.drawn_by == "ana"))
        session.add(DetectionReview(detection_id=other, verdict="rejected", who="ana"))
        rapid_profile.change_to(session, LOCAL_FINE)
    describe_slice(context)
    with survey.read() as session:
        assert local_model(session) == LOCAL_FINE
        assert set(session.scalars(sa.select(Feature.detection_id))) > {other}  # the embedding stays


def test_a_worker_whose_survey_has_not_changed_counts_nothing(survey: Survey, context: Context):
    lookout = described.Lookout(context)
    lookout.due()
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        if "sqlite_master" not in statement:  # takes the lock, asks nothing of the survey
            asked.append(statement)

    sa.event.listen(survey.engine, "before_cursor_execute", note)
    for _ in range(3):
        assert lookout.due() == []
    assert not [statement for statement in asked if "count(" in statement or "NOT IN" in statement]
    assert len([statement for statement in asked if statement.startswith("SELECT")]) <= 3 * 7
    asked.clear()
    with survey.write() as session:
        session.add(Detection(media_id=1, drawn_by="ben", category="animal", confidence=1.0, **WHOLE))
        session.flush()
        drawn = session.scalar(sa.select(sa.func.max(Detection.id)))
    describe(survey, drawn, 1, COARSE)
    lookout._rest.until = 0.0
    assert lookout.due()
    assert [statement for statement in asked if "count(" in statement]


def test_an_import_of_a_small_folder_describes_by_the_finer_profile_at_once(tmp_path: Path):
    from app.survey.database import open_survey

    folder = card(tmp_path / "card")
    pugmark(tmp_path / "data", "import", str(folder), "--wait", PUGMARK_BACKEND="embedded")
    survey = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path / "data", _env_file=None))
    with survey.read() as session:
        assert rapid_profile.chosen(session) == LOCAL_FINE
        assert session.scalar(sa.select(ImportBatch.state)) == ImportState.DONE
    assert set(profiles_of(survey)) <= {LOCAL_FINE}
    survey.close()


def figures(score: float, local: str) -> dict[str, object]:
    models = {name: {"score": value, "probability": 0.5} for name, value in ((local, score), (FUSED, score / 100 - 2))}
    return {"scale": SCALE, "model": FUSED, "score": score / 100 - 2, "models": models}


def test_a_survey_calibrated_with_one_profile_takes_the_other_ones_start_values_when_that_ranks(survey: Survey):
    crop(survey, 0, COARSE, FINE)
    made = [crop(survey, number) for number in range(1, 89)]
    with survey.write() as session:
        rapid_profile.choose(session, LOCAL)
        for number, (crop_id, other) in enumerate(zip(made[::2], made[1::2], strict=True)):
            view = figures(300.0 + number if number % 2 else 20.0 + number, LOCAL)
            if number % 2:
                identity.say_same(session, "ana", crop_id, other, view=view)
            else:
                identity.say_pair(session, "ana", crop_id, other, "different", view=view)
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
