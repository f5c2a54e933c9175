"""What the grid and the viewer of Detections are given."""

from __future__ import annotations

from datetime import datetime

from app.survey.media import browse
from app.survey.tables.media import Media, Stage
from app.ui.detections.items import facts, viewer_items
from tests.support.surveys import add_media


def test_a_video_that_nobody_has_looked_at_is_shown_by_its_thumbnail(survey, monkeypatch):
    monkeypatch.setattr("app.deps.thumb_url", lambda _sha256, look: f"thumb {look}")
    monkeypatch.setattr("app.deps.view_url", lambda _sha256, _look: "view")
    media_ids = [add_media(survey)[0] for _ in range(3)]
    with survey.write() as session:
        for media_id, stage in zip(media_ids, (Stage.STORED, Stage.READY, Stage.FAILED), strict=True):
            session.get_one(Media, media_id).kind = "video"
            session.get_one(Media, media_id).stage = stage
    with survey.read() as session:
        items = viewer_items(browse.views(session, media_ids), {}, {}, {})
    assert {item["id"]: item["src"].split()[0] for item in items} == dict(
        zip(media_ids, ("thumb", "view", "thumb"), strict=True)
    )


def test_a_corrected_time_stands_with_what_the_clock_showed_which_the_picture_may_bear(survey):
    (media_id, _) = add_media(survey)
    with survey.write() as session:
        media = session.get_one(Media, media_id)
        media.taken_at, media.recorded_at = datetime(2026, 3, 17, 3), datetime(2026, 3, 16, 15)
    with survey.read() as session:
        (view,) = browse.views(session, [media_id])
    assert "17 Mar 2026 03:00 (the camera's clock showed 16 Mar 2026 15:00)" in facts(view)
