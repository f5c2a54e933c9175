"""What video language models said about videos: one row a question, written when it is asked and once when it ends.

An answer is a claim of a model, kept beside what Pugmark computed and never mixed with it. It is not overwritten: the
same question asked again is a new row. A person may delete one; that is a decision and can be undone.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.videos import VideoAnswer
from modal_backend.contracts import VideoAnswer as Reply
from modal_backend.models.video.ask import claimed_count
from modal_backend.models.video.prompts import VERSION


def ask(
    session: Session, media_id: int, kind: str, question: str, who: str, *, model: str, host: str, through: str
) -> VideoAnswer:
    """Write a question down; a job asks it."""
    row = VideoAnswer(
        media_id=media_id,
        kind=kind,
        question=question,
        prompt_version=VERSION,
        model=model,
        endpoint_host=host,
        through=through,
        frame_seconds=[],
        asked_by=who,
        asked_at=time.time(),
    )
    session.add(row)
    session.flush()
    return row


def answers(session: Session, media_id: int) -> list[VideoAnswer]:
    """Everything asked about a video, newest first."""
    query = sa.select(VideoAnswer).where(VideoAnswer.media_id == media_id).order_by(VideoAnswer.id.desc())
    return list(session.scalars(query))


def open_questions(session: Session) -> list[int]:
    """Ids of the questions that have not ended."""
    return list(
        session.scalars(sa.select(VideoAnswer.id).where(VideoAnswer.outcome.is_(None)).order_by(VideoAnswer.id))
    )


def is_open(session: Session, answer_id: int) -> VideoAnswer | None:
    """The question while it has no answer and was not deleted, else None."""
    return session.scalar(sa.select(VideoAnswer).where(VideoAnswer.id == answer_id, VideoAnswer.outcome.is_(None)))


def note_sent(session: Session, answer_id: int, sent: str, frame_seconds: list[float]) -> None:
    """Write down what of the video is sent."""
    _once(session, answer_id, sent=sent, frame_seconds=frame_seconds)


def keep(session: Session, answer_id: int, reply: Reply, prices: tuple[float | None, float | None]) -> bool:
    """Write the answer down, unless there is one already; False when there is.

    Args:
        prices: dollars a million tokens of the question and of the answer, None where they are not configured.
    """
    return _once(
        session,
        answer_id,
        answer=reply.text,
        model=reply.model[:120],
        endpoint_host=reply.host[:255],
        count_claimed=claimed_count(reply.text),
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        cost_dollars=cost(reply, prices),
        attempts=reply.attempts,
        answered_at=time.time(),
        outcome="cut short" if reply.cut_short else "done",
    )


def fail(session: Session, answer_id: int, reason: str) -> bool:
    """Write down why there is no answer, unless there is one."""
    return _once(session, answer_id, outcome="failed", error=reason[:2000], answered_at=time.time())


def spent(session: Session) -> tuple[int, float, int]:
    """Answers there are, what those with a known cost cost together in dollars, and how many have none."""
    answered = VideoAnswer.outcome.in_(["done", "cut short"])
    columns = (sa.func.count(), sa.func.sum(VideoAnswer.cost_dollars), sa.func.count(VideoAnswer.cost_dollars))
    count, dollars, known = session.execute(sa.select(*columns).where(answered)).one()
    return count, float(dollars or 0.0), count - known


def cost(reply: Reply, prices: tuple[float | None, float | None]) -> float | None:
    """Dollars for one answer; None where the endpoint told no tokens or a price is not configured."""
    tokens = (reply.prompt_tokens, reply.completion_tokens)
    if None in tokens or None in prices:
        return None
    return sum(float(count or 0) * float(price or 0) for count, price in zip(tokens, prices, strict=True)) / 1e6


def _once(session: Session, answer_id: int, **values: Any) -> bool:
    open_row = sa.update(VideoAnswer).where(VideoAnswer.id == answer_id, VideoAnswer.outcome.is_(None))
    return bool(session.execute(open_row.values(**values)).rowcount)  # type: ignore[attr-defined]
