"""Write the ledger of calls. A row is opened before a call is sent and closed when it has ended."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import Survey
from app.survey.tables.calls import Call
from modal_backend.contracts import Result


@dataclass(frozen=True, slots=True)
class Sent:
    """A call under way: the ledger's id and the id to collect it with, empty while it has not been sent.

    function_id: of the function it was sent to; empty where nobody can say. key: names the row among those of all
    surveys, the same for every process that sends it.
    """

    id: int
    remote_id: str
    function_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a call before it is made.

    job: the job that makes it, None for a call nobody can go on with. digest: names what is asked, the same after a
    restart. queued_at: seconds since 1970.
    """

    job: str | None
    digest: str
    task: str
    model: str
    backend: str
    items: int
    executor_id: str | None
    queued_at: float

    @property
    def name(self) -> str | None:
        """What the row is found by."""
        return f"{self.job}/{self.digest}/{self.model}" if self.job else None


def open_call(survey: Survey, opening: Opening, *, answered: bool = False) -> Sent:
    """The call that this job has begun before, by whatever process, or a new row.

    A job has one call of a model under way at a time: others that it left open are closed as lost.

    Args:
        answered: a call whose answer came counts as well; it can be collected again.
    """
    with survey.write() as session:
        row = _known(session, opening, answered) if opening.job else None
        if row is None:
            values = {"task": opening.task, "model": opening.model, "backend": opening.backend, "items": opening.items}
            row = Call(job=opening.name, queued_at=opening.queued_at, **values)
            session.add(row)
        row.executor_id = opening.executor_id
        row.started_at = row.started_at or time.time()
        session.flush()
        return Sent(row.id, row.remote_id or "", row.function_id or "", f"{row.id}/{row.queued_at!r}/{row.job}")


def _known(session: Session, opening: Opening, answered: bool) -> Call | None:
    of_job = Call.job.startswith(f"{opening.job}/", autoescape=True)
    unfinished = sa.select(Call).where(Call.outcome.is_(None), Call.model == opening.model, of_job)
    found = None
    for row in session.scalars(unfinished):
        if (row.job, row.items, row.backend) == (opening.name, opening.items, opening.backend):
            found = row
        else:
            row.outcome, row.finished_at, row.error = "lost", time.time(), "Sent again in another way."
    if found is None and answered:
        done = sa.select(Call).where(Call.job == opening.name, Call.outcome == "done", Call.remote_id.is_not(None))
        found = session.scalar(done.where(Call.backend == opening.backend).order_by(Call.id.desc()).limit(1))
    return found


def sent(survey: Survey, call: Sent, retries: int) -> None:
    """Write down the id a call can be collected with, and how many attempts to send it had failed just before."""
    ids = {"remote_id": call.remote_id, "function_id": call.function_id or None}
    update(survey, call.id, attempts=Call.attempts + retries, note=None, **ids)


def sending(survey: Survey, call_id: int, note: str) -> None:
    """Write down how far a call has come that is still being sent."""
    with survey.write() as session:
        unsent = sa.update(Call).where(Call.id == call_id, Call.remote_id.is_(None))
        session.execute(unsent.values(note=note or None))


def tried(survey: Survey, call_id: int, attempts: int, note: str) -> None:
    """Write down attempts to send a call that did not succeed, and what it waits for."""
    update(survey, call_id, attempts=Call.attempts + attempts, note=note)


def close(survey: Survey, call_id: int, outcome: str, error: str | None = None, result: Result | None = None) -> None:
    """Write down how a call ended: done, failed, lost or cancelled."""
    times = {}
    if result is not None:
        times = {"run_seconds": result.seconds, "cold_start_seconds": result.cold_start_seconds}
    with survey.write() as session:
        end(session, call_id, outcome, error=error, **times)


def end(session: Session, call_id: int, outcome: str, **values: Any) -> None:
    """The same in a transaction of the caller's, who writes down there what the call brought."""
    values |= {"outcome": outcome, "note": None, "finished_at": time.time()}
    session.execute(sa.update(Call).where(Call.id == call_id).values(**values))


def update(survey: Survey, call_id: int, **values: Any) -> None:
    """Change columns of one call."""
    with survey.write() as session:
        session.execute(sa.update(Call).where(Call.id == call_id).values(**values))


def is_cancelled(survey: Survey, call_id: int) -> bool:
    """Whether somebody gave a call up."""
    with survey.read() as session:
        return session.scalar(sa.select(Call.outcome).where(Call.id == call_id)) == "cancelled"


def open_calls(survey: Survey, job: str) -> list[Sent]:
    """The calls that a job and the jobs it started have under way."""
    with survey.read() as session:
        rows = session.execute(sa.select(Call.id, Call.remote_id).where(Call.outcome.is_(None), _of(job)))
        return [Sent(row.id, row.remote_id or "") for row in rows]


def items_under_way(survey: Survey, job: str, models: Sequence[str]) -> int:
    """How many inputs the call of this job has that was sent to one of these models and not collected; 0 without."""
    of_job = Call.job.startswith(f"{job}/", autoescape=True)
    sent = sa.select(Call.items).where(Call.outcome.is_(None), Call.remote_id.is_not(None), of_job)
    with survey.read() as session:
        return session.scalar(sent.where(Call.model.in_(models)).limit(1)) or 0


def waits_for(session: Session, job: str) -> str | None:
    """What the newest open call of a job waits for, as a sentence."""
    query = sa.select(Call.note).where(Call.outcome.is_(None), _of(job)).order_by(Call.id.desc()).limit(1)
    return session.scalar(query)


def lose(session: Session, job: str) -> None:
    """Close the open calls of a job that is begun anew and will not find them."""
    lost = {"outcome": "lost", "finished_at": time.time(), "note": None, "error": "The job was begun anew."}
    session.execute(sa.update(Call).where(Call.outcome.is_(None), _of(job)).values(**lost))


def left_open(session: Session, alive: Collection[str]) -> list[tuple[int, str]]:
    """The open calls of durable jobs that nobody makes any more: id, and the job whose call it is.

    What was sent to Modal goes on there: who gives up such a call has to cancel it.

    Args:
        alive: executor ids of the workers that work now.
    """
    here = (Call.outcome.is_(None), Call.job.is_not(None), Call.remote_id.is_(None))
    rows = session.execute(sa.select(Call.id, Call.job, Call.executor_id).where(*here))
    return [(row.id, row.job.rsplit("/", 2)[0]) for row in rows if row.executor_id not in alive]


def abandon(survey: Survey, executor_ids: list[str]) -> int:
    """Close the open calls of workers that are gone; returns how many there were.

    Calls of durable jobs stay open: the worker that takes the job over goes on with them.
    """
    with survey.write() as session:
        done = session.execute(
            sa.update(Call)
            .where(Call.outcome.is_(None), Call.job.is_(None), Call.executor_id.in_(executor_ids))
            .values(outcome="failed", finished_at=time.time(), error="The worker stopped in the middle of this call.")
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


def _of(job: str) -> sa.ColumnElement[bool]:
    """The calls of a job and of the jobs it started, also as earlier versions of this program named them."""
    names = {job, job.replace("-", "/", 1)}
    begins = [Call.job.startswith(f"{name}{sign}", autoescape=True) for name in names for sign in "/-"]
    return sa.or_(Call.job.in_(names), *begins)
