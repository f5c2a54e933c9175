"""What the grid and the viewer of Detections are given."""

from __future__ import annotations

from app.survey.media import browse
from app.survey.tables.media import Media, Stage
from app.ui.detections.items import viewer_items
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
        items = viewer_items(browse.views(session, media_ids), {}, {})
    assert {item["id"]: item["src"].split()[0] for item in items} == dict(
        zip(media_ids, ("thumb", "view", "thumb"), strict=True)
    )
