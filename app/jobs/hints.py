"""The job that reads species hints from the embeddings of crops, a slice at a time."""

from __future__ import annotations

from dbos import DBOS
from sqlalchemy.orm import Session

from app.jobs.current import current
from app.jobs.queue import Due
from app.jobs.steps import step
from app.survey.detections import hints
from modal_backend.models.species.hints import VERSION, hints_of


@DBOS.workflow(name="hint_species")
def hint_species() -> None:
    """Read all that lack it."""
    while read_hints():
        pass


@step()
def read_hints() -> int:
    """Read the next embeddings; returns how many there were."""
    survey = current().context.survey
    with survey.read() as session:
        waiting = hints.lacking(session)
        if not waiting:
            return 0
        ids, vectors = hints.vectors(session, waiting)
    read = {box: (feature, *hint) for (feature, box), hint in zip(ids, hints_of(vectors), strict=True)}
    with survey.write() as session:
        hints.put(session, read)
    return len(waiting)


def due(session: Session) -> list[Due]:
    """The job, once for each newest hint and first embedding without any."""
    first = hints.lacking(session, 1)
    return [Due(f"hints-{VERSION}-{hints.newest(session)}-{first[0]}", ())] if first else []
