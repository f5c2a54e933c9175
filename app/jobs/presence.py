"""Which workers are alive: an executor id of its own for each, held by a lock and a heartbeat in the database.

Within one data folder the lock shows at once that a killed worker is gone; elsewhere the heartbeat does after a while,
by the database's clock. Whoever could not beat itself, as while the database was away, judges nobody by heartbeats.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from pathlib import Path
from time import monotonic

import sqlalchemy as sa
from filelock import BaseFileLock, FileLock, Timeout
from sqlalchemy.orm import Session

from app import files
from app.storage.shared import storage_of
from app.survey import team
from app.survey.database import Survey
from app.survey.tables.calls import Worker

HEARTBEAT_SECONDS = 5.0
GONE_AFTER_SECONDS = 30.0


class TakenOver(Exception):
    """This worker was held for gone, and another one does its work: it has to begin anew."""


class Presence:
    """This process among the workers. `beat` it regularly, `leave` at the end."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.executor_id = f"{socket.gethostname()[:30]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._lock = _lock_of(survey.data_dir, self.executor_id)
        self._lock.acquire()
        with survey.write() as session:
            session.add(
                Worker(
                    executor_id=self.executor_id, pid=os.getpid(), host=socket.gethostname(), heartbeat_at=_now(session)
                )
            )
        self._steady_since = self._last_beat = monotonic()

    def beat(self) -> None:
        """Say that this worker is alive. Raises TakenOver when the others think it is not."""
        with self.survey.write() as session:
            mine = sa.update(Worker).where(Worker.executor_id == self.executor_id, Worker.recovered_by.is_(None))
            known = session.execute(mine.values(heartbeat_at=_now(session), waits_for=team.trouble_of(self.survey)))
        if not known.rowcount:  # type: ignore[attr-defined]
            raise TakenOver("Another worker took over the work of this one, which could not be reached for a while.")
        if monotonic() - self._last_beat > GONE_AFTER_SECONDS / 2:
            self._steady_since = monotonic()
        self._last_beat = monotonic()

    def leave(self) -> None:
        """Say that this worker stops; others may take over what it has not finished."""
        with self.survey.write() as session:
            session.execute(sa.update(Worker).where(Worker.executor_id == self.executor_id).values(heartbeat_at=0.0))
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def gone(self) -> list[str]:
        """Executor ids of workers that have stopped and whose work nobody has taken over; claims them.

        Among them those that one of these had claimed: it may have died before it took their work over.
        """
        steady = monotonic() - self._steady_since >= GONE_AFTER_SECONDS
        with self.survey.write() as session:
            others = sa.select(Worker).where(Worker.recovered_by.is_(None), Worker.executor_id != self.executor_id)
            now = _now(session)
            claimed = [
                worker
                for worker in session.scalars(others)
                if not is_alive(self.survey.data_dir, worker, now if steady else worker.heartbeat_at)
            ]
            for worker in claimed:  # which grows
                worker.recovered_by = self.executor_id
                claimed += session.scalars(sa.select(Worker).where(Worker.recovered_by == worker.executor_id))
        return [worker.executor_id for worker in claimed]

    def settled(self, executor_ids: list[str]) -> None:
        """The work of these is taken over: whoever takes over this worker's need not look at them again."""
        with self.survey.write() as session:
            done = sa.update(Worker).where(Worker.executor_id.in_(executor_ids))
            session.execute(done.values(recovered_by=Worker.executor_id))

    def alive(self) -> set[str]:
        """Executor ids of the workers that work now, this one among them."""
        with self.survey.read() as session:
            rows = session.scalars(sa.select(Worker).where(Worker.heartbeat_at > 0))
            now = _now(session)
            return {row.executor_id for row in rows if is_alive(self.survey.data_dir, row, now)}


def is_alive(data_dir: Path, worker: Worker, now: float) -> bool:
    """Whether a worker still works: by its lock where that lies in this data folder, else by its heartbeat.

    now: as the database's clock has it.
    """
    if not worker.heartbeat_at:
        return False
    lock = _lock_of(data_dir, worker.executor_id)
    if worker.host != socket.gethostname() or not Path(lock.lock_file).exists():
        return now - worker.heartbeat_at < GONE_AFTER_SECONDS
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def any_alive(survey: Survey) -> bool:
    """Whether at least one worker is at work on this survey."""
    return count_alive(survey) > 0


def any_at_hand(survey: Survey) -> bool:
    """Whether a worker does what this data folder asks for: where only media are shared, one of its own."""
    alone = storage_of(survey.data_dir) is not None
    return any(
        not alone or files.worker_lock_path(survey.data_dir, worker.executor_id).exists() for worker in _living(survey)
    )


def count_alive(survey: Survey) -> int:
    """How many workers are at work on this survey."""
    return len(_living(survey))


def _living(survey: Survey) -> list[Worker]:
    with survey.read() as session:
        recent = sa.select(Worker).where(Worker.recovered_by.is_(None), Worker.heartbeat_at > 0)
        now = _now(session)
        return [worker for worker in session.scalars(recent) if is_alive(survey.data_dir, worker, now)]


def _now(session: Session) -> float:
    """Seconds since 1970 by the clock that all workers share."""
    if session.get_bind().dialect.name == "sqlite":
        return time.time()
    return float(session.scalar(sa.select(sa.func.extract("epoch", sa.func.clock_timestamp()))) or 0)


def _lock_of(data_dir: Path, executor_id: str) -> BaseFileLock:
    path = files.worker_lock_path(data_dir, executor_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, thread_local=False)
