"""Decisions about a video: how many animals there are in it, and which of its runs counts."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.survey.decisions.boxes import named_on
from app.survey.decisions.changes import Change
from app.survey.decisions.refusals import BadDecision
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import MediaReview
from app.survey.tables.media import Media, Stage
from app.survey.tables.videos import Video, VideoAnswer, VideoReview, VideoRunChoice, VideoRunRow
from app.survey.videos import runs
from app.survey.videos.counts import count_of

MOST = 999


def correct_count(session: Session, who: str, media_id: int, animals: int) -> Decision:
    """A person says how many animals are in a video at most at once; the computed count stays beside it.

    None of them makes the video blank, and any of them takes a "blank" back.

    Raises BadDecision for a media that is no video, a count that is none, or none where an individual was named.
    """
    video = session.get(Video, media_id)
    if video is None:
        raise BadDecision("This media is not a video.")
    if not 0 <= animals <= MOST:
        raise BadDecision(f"{animals} is not a number of animals in a video.")
    if animals == 0 and (names := named_on(session, [media_id]).get(media_id)):
        raise BadDecision(f"{names} was named in this video, so it is not empty. Reject that box first.")
    change = Change(session, who)
    change.sign(VideoReview, {"media_id": media_id}, animals=animals)
    verdict = session.get(MediaReview, media_id)
    if animals == 0:
        change.sign(MediaReview, {"media_id": media_id}, verdict="blank")
    elif verdict is not None and verdict.verdict == "blank":
        change.drop(MediaReview, {"media_id": media_id})
    standing = count_of(session, media_id)
    view = {"computed": standing.computed if standing else None}
    return change.record("count", view=view, media_id=media_id)


def use_run(session: Session, who: str, run_id: int) -> Decision:
    """A person says which run of a video counts for Detections, Identify and Export.

    Raises BadDecision for a run without a result.
    """
    row = session.get(VideoRunRow, run_id)
    if row is None or row.summarised_at is None:
        raise BadDecision("This run has no result that could count.")
    was = session.get_one(Video, row.media_id).run_id
    change = Change(session, who)
    change.sign(VideoRunChoice, {"media_id": row.media_id}, run_id=run_id)
    return change.record("clip run", view={"run": run_id, "before": was}, media_id=row.media_id)


def delete_answer(session: Session, who: str, answer_id: int) -> Decision | None:
    """Take out a question that has ended, with its answer; None when it is gone or still under way."""
    row = session.get(VideoAnswer, answer_id)
    if row is None or row.outcome is None:
        return None
    media_id, view = row.media_id, {"question": row.question[:200], "model": row.model}
    change = Change(session, who)
    change.drop(VideoAnswer, {"id": answer_id})
    return change.record("delete answer", view=view, media_id=media_id)


def ask_again(session: Session, media_id: int, who: str) -> VideoRunRow:
    """Write down that a video is to be summarised again; a job does it. Raises BadDecision when it cannot be."""
    media = session.get(Media, media_id)
    if media is None or session.get(Video, media_id) is None:
        raise BadDecision("This media is not a video.")
    if media.stage != Stage.READY:
        raise BadDecision("This video has no finished summary yet.")
    if runs.open_run(session, media_id) is not None:
        raise BadDecision("This video is being summarised again already.")
    return runs.begin(session, media_id, who)
