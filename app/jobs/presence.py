"""Which workers are alive: an executor id of its own for each, held by a lock and a heartbeat.

Within one data folder the lock shows at once that a killed worker is gone; elsewhere the heartbeat does after a while.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from pathlib import Path

import sqlalchemy as sa
from filelock import BaseFileLock, FileLock, Timeout

from app import files
from app.survey.database import Survey
from app.survey.tables.calls import Worker

HEARTBEAT_SECONDS = 5.0
GONE_AFTER_SECONDS = 30.0


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
                    executor_id=self.executor_id, pid=os.getpid(), host=socket.gethostname(), heartbeat_at=time.time()
                )
            )

    def beat(self) -> None:
        """Say that this worker is alive."""
        self._set(heartbeat_at=time.time())

    def leave(self) -> None:
        """Say that this worker stops; others may take over what it has not finished."""
        self._set(heartbeat_at=0.0)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def gone(self) -> list[str]:
        """Executor ids of workers that have stopped and whose work nobody has taken over; claims them."""
        claimed = []
        with self.survey.write() as session:
            others = sa.select(Worker).where(Worker.recovered_by.is_(None), Worker.executor_id != self.executor_id)
            for worker in session.scalars(others):
                if not is_alive(self.survey.data_dir, worker):
                    worker.recovered_by = self.executor_id
                    claimed.append(worker.executor_id)
        return claimed

    def alive(self) -> set[str]:
        """Executor ids of the workers that work now, this one among them."""
        with self.survey.read() as session:
            rows = session.scalars(sa.select(Worker).where(Worker.heartbeat_at > 0))
            return {row.executor_id for row in rows if is_alive(self.survey.data_dir, row)}

    def _set(self, **values: float) -> None:
        with self.survey.write() as session:
            session.execute(sa.update(Worker).where(Worker.executor_id == self.executor_id).values(**values))


def is_alive(data_dir: Path, worker: Worker) -> bool:
    """Whether a worker still works: by its lock where that lies in this data folder, else by its heartbeat."""
    lock = _lock_of(data_dir, worker.executor_id)
    if worker.host != socket.gethostname() or not Path(lock.lock_file).exists():
        return time.time() - worker.heartbeat_at < GONE_AFTER_SECONDS
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def any_alive(survey: Survey) -> bool:
    """Whether at least one worker is at work on this survey."""
    with survey.read() as session:
        recent = sa.select(Worker).where(Worker.recovered_by.is_(None), Worker.heartbeat_at > 0)
        return any(is_alive(survey.data_dir, worker) for worker in session.scalars(recent))


def _lock_of(data_dir: Path, executor_id: str) -> BaseFileLock:
    path = files.worker_lock_path(data_dir, executor_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path, thread_local=False)
