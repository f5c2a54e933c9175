"""What is said about one video, by whom: each computed run, a person's count, and each answer of a language model."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.survey.tables.videos import Video, VideoReview
from app.survey.videos.answers import answers
from app.survey.videos.runs import decided_on, facts_of, finished
from app.survey.videos.tracklets import tracklets_of
from modal_backend.models.video.prompts import BY_KEY

COMPUTED, COUNTED, ANSWERED = "computed", "counted", "answered"


@dataclass(frozen=True, slots=True)
class VideoRun:
    """One account of a video.

    Attributes:
        kind: computed, counted (by a person) or answered (by a language model).
        by: model and version, or the person.
        details: backend and preprocessing, or the question.
        at: seconds since 1970.
        animals: the count it gives, None where it gives none.
        tracklets: (category, first second, last second, entry, exit) of each counted one; None where it knows none.
        text: its sentences, or the answer as it came.
        run_id: of a computed run.
        counts: whether it is the one that counts.
        decided: boxes of it that people have decided about.
    """

    kind: str
    by: str
    details: str
    at: float | None
    animals: int | None
    tracklets: tuple[tuple[str, float, float, str | None, str | None], ...] | None
    text: tuple[str, ...]
    run_id: int | None = None
    counts: bool = False
    decided: int = 0


def runs_of(session: Session, media_id: int) -> list[VideoRun]:
    """Every finished account of a video: computed ones, the person's, answers; newest first of a kind."""
    found: list[VideoRun | None] = [*_computed(session, media_id), _counted(session, media_id)]
    found += [
        VideoRun(
            ANSWERED,
            f"{answer.model}, prompts {answer.prompt_version}",
            BY_KEY[answer.kind].title if answer.kind in BY_KEY else answer.question,
            answer.answered_at,
            answer.count_claimed,
            None,
            (answer.answer or "",),
        )
        for answer in answers(session, media_id)
        if answer.outcome in ("done", "cut short")
    ]
    return [account for account in found if account is not None]


def differing(runs: list[VideoRun]) -> set[int]:
    """Places of the runs whose count is not that of the first run with one."""
    first = next((run.animals for run in runs if run.animals is not None), None)
    return {place for place, run in enumerate(runs) if run.animals is not None and run.animals != first}


def _computed(session: Session, media_id: int) -> list[VideoRun]:
    video = session.get(Video, media_id)
    if video is None or video.run_id is None:
        return []
    runs = [
        VideoRun(
            COMPUTED,
            f"{version.model} {version.version}",
            f"{version.backend}; {version.preprocessing}",
            row.summarised_at,
            row.animals,
            _counted_tracklets(session, media_id, row.id),
            tuple(text for text, *_ in facts_of(row).sentences),
            row.id,
            row.id == video.run_id,
            decided_on(session, row),
        )
        for row, version in finished(session, media_id)
    ]
    return sorted(runs, key=lambda run: not run.counts)


def _counted_tracklets(
    session: Session, media_id: int, run_id: int
) -> tuple[tuple[str, float, float, str | None, str | None], ...]:
    return tuple(
        (
            str(tracklet.category),
            tracklet.first_second,
            tracklet.last_second,
            str(tracklet.entry) if tracklet.entry else None,
            str(tracklet.exit) if tracklet.exit else None,
        )
        for _, tracklet in tracklets_of(session, media_id, run_id)
        if tracklet.counted
    )


def _counted(session: Session, media_id: int) -> VideoRun | None:
    review = session.get(VideoReview, media_id)
    if review is None:
        return None
    return VideoRun(COUNTED, review.who, "count corrected by hand", review.decided_at, review.animals, None, ())
