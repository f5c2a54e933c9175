"""The jobs that wait, in the order in which they are begun; a person may move one of them to the front.

Each queue begins its jobs by priority and then by age (DBOS). All are put with the same priority, so they keep their
order, and moving one gives it a lower number than any that waits beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.base import Base
from app.survey.tables.exports import ExportFile
from app.survey.tables.media import ImportBatch
from app.survey.tables.notes import NoteRun
from app.survey.tables.results import ResultsFile
from app.survey.tables.videos import VideoAnswer

WAITING = ("ENQUEUED", "DELAYED")
MOST = 40
LONGEST = 100  # letters of a title
USUAL = 0  # what DBOS gives a job that is put without a priority
# The jobs that people ask for by name: what they are called, and the row and column that names one.
NAMED: dict[str, tuple[str, type[Base] | None, str]] = {
    "import_media": ("Import", ImportBatch, "label"),
    "bring_in_results": ("Results", ResultsFile, "name"),
    "retry_failed": ("Failed images again", None, ""),
    "summarise_again": ("Summary of a video", None, ""),
    "ask_about_video": ("Question", VideoAnswer, "question"),
    "analyse_notes": ("Field notes", NoteRun, "name"),
    "write_export": ("Export", ExportFile, "format"),
}


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that nobody has begun.

    Attributes:
        queue: its queue; number: its place there among these jobs, from 1.
        since: when it was put there, in seconds since 1970. moved: a person moved it to the front.
    """

    id: str
    workflow: str
    queue: str
    number: int
    since: float
    moved: bool


class Order:
    """The order of what waits in a queue's database. May be shared between threads."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, pool_pre_ping=True)
        names = ("workflow_uuid", "name", "queue_name", "status", "priority", "created_at")
        schema = None if self._engine.dialect.name == "sqlite" else "dbos"
        self._table = sa.table("workflow_status", *map(sa.column, names), schema=schema)

    def count(self) -> int:
        """How many jobs wait."""
        status = self._table.c.status
        with self._engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(self._table).where(status.in_(WAITING))
            return connection.scalar(query) or 0

    def waiting(self, most: int = MOST) -> list[WaitingJob]:
        """The jobs with a name (NAMED) that wait, queue by queue, the next ones first; at most so many of a queue."""
        row = self._table.c
        number = sa.func.row_number().over(partition_by=row.queue_name, order_by=(row.priority, row.created_at))
        named = (
            sa.select(row.workflow_uuid, row.name, row.queue_name, number.label("n"), row.created_at, row.priority)
            .where(row.status == WAITING[0], row.name.in_(NAMED))
            .subquery()
        )
        query = sa.select(named).where(named.c.n <= most).order_by(named.c.queue_name, named.c.n)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            WaitingJob(job, name, queue, n, at / 1000, priority < USUAL) for job, name, queue, n, at, priority in rows
        ]

    def move_to_front(self, job: str) -> bool:
        """Have a job begun before all others of its queue; False where it does not wait any more."""
        row, beside, mine = self._table.c, self._table.alias("beside"), self._table.alias("mine")
        queue = sa.select(mine.c.queue_name).where(mine.c.workflow_uuid == job).scalar_subquery()
        of_queue = sa.and_(beside.c.queue_name == queue, beside.c.status == WAITING[0])
        lowest = sa.select(sa.func.min(beside.c.priority)).where(of_queue, beside.c.workflow_uuid != job)
        first = sa.func.coalesce(lowest.scalar_subquery(), USUAL)
        return self._give(job, sa.case((first < USUAL, first), else_=USUAL) - 1, row.status == WAITING[0])

    def move_back(self, job: str) -> bool:
        """Have a job that was moved begun by its age again; False where it does not wait any more."""
        row = self._table.c
        return self._give(job, sa.literal(USUAL), row.status == WAITING[0], row.priority < USUAL)

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def _give(self, job: str, priority: sa.ColumnElement[int], *where: sa.ColumnElement[bool]) -> bool:
        change = sa.update(self._table).where(self._table.c.workflow_uuid == job, *where).values(priority=priority)
        with self._engine.begin() as connection:
            return bool(connection.execute(change).rowcount)


def title(session: Session, job: WaitingJob) -> str:
    """What a job is called: "Import · Ridge, 60 files"."""
    kind, table, column = NAMED[job.workflow]
    numbers = [int(part) for part in job.id.split("-") if part.isdecimal()]
    row = session.get(table, numbers[0]) if table is not None and numbers else None
    return f"{kind} · {getattr(row, column)}"[:LONGEST] if row is not None else kind
