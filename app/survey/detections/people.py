"""Where people are on a picture that a page may show: blurred until somebody decides that this picture may be seen."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.tables.detections import Detection, PeopleShown
from app.survey.tables.media import LOOKED_AT, Media
from app.survey.tables.videos import Video
from app.survey.videos.tracklets import frames_of
from modal_backend.contracts import Box, Category
from modal_backend.models.detectors.overlap import clipped

# Far under the threshold: a stump blurred for nothing does less harm than a person shown. Held out, 2 in 100 pictures
# without people get such a box.
HIDDEN_FROM = 0.05
WHOLE = Box(0.0, 0.0, 1.0, 1.0)


def hides_person(box: BoxView) -> bool:
    """Whether a box may show a person who must not be recognised."""
    return (
        box.category == Category.PERSON
        and box.verdict != "rejected"
        and (box.confirmed or box.confidence >= HIDDEN_FROM)
    )


def hidden(session: Session, sha256: str, frame: int | None = None) -> list[Box] | None:
    """What to blur on the picture of this media (of a video: its key frame, or the frame of this number).

    Nobody has looked at a picture that is not analysed yet: all of it. Nothing where somebody decided to show it, None
    where nobody is to be hidden.
    """
    media = session.scalar(sa.select(Media).where(Media.sha256 == sha256))
    if media is None:
        return None
    if session.get(PeopleShown, media.id) is not None:
        return []
    if media.stage not in LOOKED_AT:
        return [WHOLE]
    people = [box for box in boxes_of(session, [media.id], floor=HIDDEN_FROM)[media.id] if hides_person(box)]
    if media.kind == "video" and people:
        on = frames_of(session, [box.id for box in people])
        at = frame if frame is not None else _key_frame(session, media.id)
        people = [box for box in people if box.id not in on or on[box.id].frame_number == at]
    return [box.box for box in people] or None


def hidden_in_crop(session: Session, detection_id: int) -> list[Box] | None:
    """What to blur on the crop of this detection, relative to the crop; see `hidden`."""
    media_id = session.scalar(sa.select(Detection.media_id).where(Detection.id == detection_id))
    if media_id is None:
        return None
    if session.get(PeopleShown, media_id) is not None:
        return []
    found = boxes_of(session, [media_id])[media_id]
    crop = next((box for box in found if box.id == detection_id), None)
    return people_inside(crop.box, found) or None if crop is not None else None


def people_inside(crop: Box, beside: Iterable[BoxView]) -> list[Box]:
    """Where people of the same picture lie in a crop, relative to the crop."""
    parts = [_overlap(crop, person.box) for person in beside if hides_person(person)]
    return [part for part in parts if part is not None]


def shown_media(session: Session, media_ids: Iterable[int]) -> set[int]:
    """The media whose people somebody decided to show."""
    return set(session.scalars(sa.select(PeopleShown.media_id).where(PeopleShown.media_id.in_(list(media_ids)))))


def _key_frame(session: Session, media_id: int) -> int | None:
    return session.scalar(sa.select(Video.key_frame).where(Video.media_id == media_id))


def _overlap(crop: Box, person: Box) -> Box | None:
    x, y = (person.x - crop.x) / crop.width, (person.y - crop.y) / crop.height
    part = clipped(Box(x, y, person.width / crop.width, person.height / crop.height))
    return part if part.width > 0 and part.height > 0 else None
