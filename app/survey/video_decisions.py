"""Decisions about a clip: how many animals there are in it."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from app.survey.decide import Change, already_made
from app.survey.decisions import Decision
from app.survey.review import BadDecision
from app.survey.videos import Video, VideoReview

KINDS = ("count",)
MOST = 999


def correct_count(
    session: Session, who: str, media_id: int, animals: int, *, client_key: str | None = None
) -> Decision:
    """A person says how many animals are in a clip; the computed count stays beside it.

    Raises BadDecision for a media that is no clip, or a count that is none.
    """
    if known := already_made(session, client_key):
        return known
    video = session.get(Video, media_id)
    if video is None:
        raise BadDecision("This media is not a clip.")
    if not 0 <= animals <= MOST:
        raise BadDecision(f"{animals} is not a number of animals in a clip.")
    change = Change(session)
    change.put(VideoReview, {"media_id": media_id}, animals=animals, who=who, decided_at=time.time())
    view = {"computed": video.animals}
    return change.record("count", who, view=view, media_id=media_id, client_key=client_key)
