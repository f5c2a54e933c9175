"""The job that ranks candidates for queries; crops without features are described first.

The first order is there at once; then the matcher looks at the first candidates and ranks them anew, once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from dbos import DBOS
from sqlalchemy.orm import Session

from app.analysis import matches, pictures
from app.analysis.calls import Lane
from app.analysis.context import Context
from app.ingest.refusals import Refused
from app.jobs.current import current
from app.jobs.queue import Due, Queue
from app.jobs.steps import step
from app.matching.gallery import NotDescribed
from app.survey.detections.features import feature_version
from app.survey.detections.matches import Pair
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from modal_backend.errors import BackendError
from modal_backend.registry import LOCAL

log = logging.getLogger("pugmark.worker")
# Queries that the matcher looks at ahead in one job, about half a minute of two cores.
AHEAD = 20


@DBOS.workflow(name="rank_queries")
async def rank_queries(detection_ids: list[int], scope_key: str, bulk: bool = False) -> None:
    """Rank these queries within a scope; the answers appear as rankings in the survey.

    bulk: nobody has opened them, so the matcher looks at them when no import is open; see `Ahead`.
    """
    for detection_id in detection_ids:
        if not await rank(detection_id, scope_key):
            await describe_now([detection_id], DBOS.workflow_id or "")
            await rank(detection_id, scope_key)
    if not bulk:
        await DBOS.enqueue_workflow_async(Queue.MATCHES, match_queries, detection_ids, scope_key)


@DBOS.workflow(name="match_queries")
async def match_queries(detection_ids: list[int], scope_key: str) -> None:
    """Have the matcher rank these queries anew; in a queue of its own, so that the next first order never waits."""
    for detection_id in detection_ids:
        await match(detection_id, scope_key, DBOS.workflow_id or "")


@DBOS.workflow(name="rank_ahead")
async def rank_ahead(detection_ids: list[int], scope_key: str) -> None:
    """Rank queries that nobody has opened yet, with the matcher; makes way for an import."""
    for detection_id in detection_ids:
        if not await match_ahead(detection_id, scope_key, DBOS.workflow_id or ""):
            break


@step()
async def rank(detection_id: int, scope_key: str) -> bool:
    """Rank one query; False when its crop has no features yet."""
    return await _ranked(detection_id, Scope.from_key(scope_key)) is not None


@step(preemptible=True)
async def describe_now(detection_ids: Sequence[int], job: str) -> None:
    """Describe the crops of these boxes by all models in use."""
    now = current()
    await pictures.describe_boxes(now.context, detection_ids, job, now.interactive)


@step(preemptible=True)
async def match(detection_id: int, scope_key: str, job: str) -> None:
    """Have the matcher look at the first candidates of a ranked query, and rank it anew, for the last time."""
    await _match(detection_id, Scope.from_key(scope_key), job, current().interactive)


@step(preemptible=True)
async def match_ahead(detection_id: int, scope_key: str, job: str) -> bool:
    """The same for a query that nobody waits for; False, and nothing done, when an import is open by now."""
    now = current()
    if await asyncio.to_thread(_any_import, now.context):
        return False
    await _match(detection_id, Scope.from_key(scope_key), job, now.bulk)
    return True


async def _match(detection_id: int, scope: Scope, job: str, lane: Lane) -> None:
    now = current()
    left = await _ranked(detection_id, scope)
    if not left:
        return
    try:
        await matches.match(now.context, detection_id, left, job, lane)
    except (BackendError, Refused, OSError) as error:
        log.warning("The matcher cannot look at the candidates of crop %s: %s", detection_id, error)
    await _ranked(detection_id, scope, last=True)


async def _ranked(detection_id: int, scope: Scope, *, last: bool = False) -> list[Pair] | None:
    """Rank one query; the pairs that the matcher has still to look at, None when its crop has no features yet."""
    now = current()
    matching = bool((await asyncio.to_thread(now.context.choose)).later)
    try:
        return await asyncio.to_thread(now.gallery.rank, detection_id, scope, matching=matching, last=last)
    except NotDescribed:
        return None


def _any_import(context: Context) -> bool:
    with context.survey.read() as session:
        return imports.any_open(session)


class Ahead:
    """Says which waiting crops the matcher is to look at before anybody opens them.

    Looks when something has changed.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen: tuple[object, ...] = ()
        self._due: list[Due] = []

    def due(self) -> list[Due]:
        """The next of them, while no import is open. Raises BackendError when a model cannot be loaded."""
        with self._context.survey.read() as session:
            state = (rankings.stamp(session), rankings.last_ranking(session), imports.any_open(session))
            if state != self._seen:
                self._seen, self._due = state, self._look(session)
        return self._due

    def _look(self, session: Session) -> list[Due]:
        version = feature_version(session, LOCAL)
        if version is None or imports.any_open(session) or not self._context.choose().later:
            return []
        crops = rankings.waiting(session, version, limit=AHEAD, unsettled=Scope())
        return [Due(f"ahead-{crops[0]}-{rankings.last_ranking(session)}", (crops, Scope().key()))] if crops else []
