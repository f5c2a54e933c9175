"""Media of no station: each import is a group of its own, by its name, where events are not known."""

from __future__ import annotations

from app.survey.media import browse, imports, unsorted
from app.survey.media.browse import MediaFilter
from app.survey.tables.media import ListedFile, Media
from app.ui.detections.items import grid_items
from tests.support.surveys import add_media


def test_loose_pictures_are_grouped_by_the_import_they_came_by_with_its_name(survey, monkeypatch):
    monkeypatch.setattr("app.deps.thumb_url", lambda sha256, _look: sha256)
    loose = [add_media(survey, minutes=None)[0] for _ in range(3)]
    placed, _ = add_media(survey, minutes=None)
    with survey.write() as session:
        brought = [
            imports.start_import(session, kind="upload", root=f"/{label}", label=label)
            for label in ("2 May · no station", "9 May · no station")
        ]
        for media_id, batch in zip(loose, (brought[0], brought[0], brought[1]), strict=True):
            media = session.get_one(Media, media_id)
            media.deployment_id = media.event_id = None
            session.query(ListedFile).filter_by(media_id=media_id).one().import_id = batch.id
    with survey.read() as session:
        order = browse.order_with_events(session, MediaFilter())
        views = browse.views(session, [number for number, _ in order])
        names = unsorted.imports_of(session, loose)
    groups = dict(order)
    assert groups[loose[0]] == groups[loose[1]] != groups[loose[2]]
    assert groups[placed] not in (groups[number] for number in loose)
    events = {item["id"]: item["event"] for item in grid_items(views, order, {}, names)}
    assert events[loose[1]]["title"] == "2 May · no station · capture time unknown · 2 media"
    assert [events[number]["single"] for number in loose] == [False, False, True]
