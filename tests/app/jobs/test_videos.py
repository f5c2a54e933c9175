"""A video is summarised again by a real worker after its detector has changed; what people decided stays."""

from __future__ import annotations

import sqlalchemy as sa

from app.analysis.videos import SAME
from app.survey.database import Survey
from app.survey.decisions import videos as video_decisions
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.tables.detections import ModelVersion
from app.survey.tables.media import Media
from app.survey.tables.videos import VideoRunRow
from app.survey.videos import accounts, runs, tracklets
from modal_backend.registry import LOCAL
from tests.app.analysis.test_videos import take_in
from tests.support.drawn_videos import DrawnVideo, Path2, draw_video
from tests.support.waiting import wait_until
from tests.support.workers import worker


def ask(survey: Survey, media_id: int) -> int:
    with survey.write() as session:
        return video_decisions.ask_again(session, media_id, "ana").id


def row(survey: Survey, run_id: int) -> VideoRunRow:
    with survey.read() as session:
        return session.get_one(VideoRunRow, run_id)


def test_a_video_summarised_again_keeps_both_runs_and_the_persons_count(survey, tmp_path):
    folder = tmp_path / "card"
    folder.mkdir()
    way = Path2(((0.3, -0.12, 0.5), (2.3, 1.12, 0.5)), 0.24, 4)
    draw_video(DrawnVideo(23, 3, fps=8, width=320, height=180, animals=[way]), folder / "one.mp4")
    take_in(survey, folder)
    with survey.write() as session:
        media_id = session.scalars(sa.select(Media.id)).one()
        ((old, _),) = tracklets.tracklets_of(session, media_id)
        detectors = sa.select(ModelVersion.id).where(ModelVersion.task == "detect")
        session.execute(sa.update(ModelVersion).where(ModelVersion.id.in_(detectors)).values(version="older"))
        video_decisions.correct_count(session, "ana", media_id, 4)
    again = ask(survey, media_id)
    with worker(survey.data_dir):
        wait_until(lambda: row(survey, again).summarised_at)
        wait_until(lambda: _stage(survey, media_id) == "ready")
        same = ask(survey, media_id)
        wait_until(lambda: row(survey, same).failure)
    assert row(survey, same).failure == SAME
    with survey.read() as session:
        computed = [run for run in accounts.runs_of(session, media_id) if run.run_id]
        new = [row for row, tracklet in tracklets.tracklets_of(session, media_id) if tracklet.counted]
        waiting = rankings.waiting(session, feature_version(session, LOCAL))
        assert tracklets.summary_of(session, media_id).animals == 4
        assert runs.last_failure(session, media_id).id == same
    assert [(run.run_id, run.counts) for run in computed] == [(again, True), (1, False)]
    assert computed[1].by.endswith(" older")
    assert [(kind, *sides) for kind, _, _, *sides in computed[1].tracklets] == [("animal", "left", "right")]
    assert old.id not in {row.id for row in new}
    assert waiting == [row.query_id for row in new]


def _stage(survey: Survey, media_id: int) -> str:
    with survey.read() as session:
        return session.get_one(Media, media_id).stage
