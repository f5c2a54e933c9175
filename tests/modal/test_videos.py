"""A video whose models run on Modal: decoded here, its frames looked at and its crops described by remote calls."""

from __future__ import annotations

import sqlalchemy as sa

from app.survey.media import imports
from app.survey.tables.calls import Call
from app.survey.tables.detections import Analysis, Feature, ModelVersion
from app.survey.tables.media import Media, Stage
from app.survey.videos import runs, tracklets
from modal_backend.contracts import Category
from modal_backend.registry import DETECTOR
from tests.modal.modal_survey import calls, sent_to, state, worker
from tests.support.drawn_videos import DrawnVideo, Path2, draw_video
from tests.support.waiting import wait_until


def test_a_video_outlasts_a_killed_worker_and_modal_away_and_no_call_is_sent_twice(
    survey, modal_settings, plane, tmp_path
):
    way = Path2(((0.5, -0.12, 0.5), (3.0, 1.12, 0.5)), 0.24, 4)
    card = tmp_path / "card"
    card.mkdir()
    draw_video(DrawnVideo(23, 4, fps=4, width=320, height=180, animals=[way]), card / "20240312_054112.mp4")
    before = sent_to(plane)
    with survey.write() as session:
        import_id = imports.import_of_path(session, card).id
    plane.fault(method="FunctionGetOutputs", delay_s=1e6)
    with worker(modal_settings, plane, MODAL_TIMEOUT="60"):
        wait_until(lambda: any(call.remote_id for call in calls(survey)))
    (first,) = calls(survey)
    plane.clear()
    plane.down()
    with worker(modal_settings, plane, MODAL_TIMEOUT="30"):
        wait_until(lambda: any(call.model == DETECTOR and call.note for call in calls(survey)))
        assert state(survey, import_id)[0] == "running"
        plane.up()
        wait_until(lambda: state(survey, import_id)[0] in {"done", "failed"})
    assert state(survey, import_id) == ("done", None)
    rows = calls(survey)
    assert {(row.backend, row.outcome) for row in rows} == {("modal", "done")}
    assert rows[0].remote_id == first.remote_id
    assert sorted(row.remote_id for row in rows) == sorted(sent_to(plane) - before)
    with survey.read() as session:
        media = session.scalars(sa.select(Media)).one()
        summary = tracklets.summary_of(session, media.id)
        facts = runs.facts_of(runs.counting_run(session, media.id))
        answered = sa.select(sa.func.sum(Call.items)).where(Call.model == DETECTOR, Call.outcome == "done")
        asked = session.scalar(answered)
        analysis = session.get_one(Analysis, media.analysis_id)
        found_by = session.get_one(ModelVersion, analysis.model_version_id)
        described = session.scalar(sa.select(sa.func.count()).select_from(Feature))
    assert media.stage == Stage.READY
    assert summary is not None
    assert [(tracklet.entry, tracklet.exit) for tracklet in summary.tracklets] == [("left", "right")]
    assert asked >= len(facts.looked) > 0
    assert found_by.backend == "modal"
    assert bool(described) == any(
        tracklet.counted and tracklet.category == Category.ANIMAL for tracklet in summary.tracklets
    )
