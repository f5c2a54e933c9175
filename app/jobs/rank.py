"""The job that ranks candidates for queries; crops without features are described first.

The first order is there at once; then the matcher looks at the first candidates and ranks them anew, once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from dbos import DBOS, EnqueueOptions
from sqlalchemy.orm import Session

from app.analysis import matches, pictures
from app.analysis.calls import Lane
from app.ingest.refusals import Refused
from app.jobs.current import Current, current, read_survey
from app.jobs.queue import LEFT, Due
from app.jobs.queues import Queue
from app.jobs.steps import step
from app.matching.gallery import NotDescribed
from app.matching.matched import voted_on
from app.survey.detections.features import feature_version
from app.survey.detections.matches import Pair
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from modal_backend.errors import BackendError
from modal_backend.models.probability.calibration import FUSED
from modal_backend.registry import LOCAL

log = logging.getLogger("pugmark.worker")
# Queries that the matcher looks at ahead in one job, about half a minute of two cores.
AHEAD = 20
# Seconds for which a crop has to be on the screen before the matcher begins, while an import or a person who turns from
# crop to crop wants the cores.
MOMENT = 1.0
# Seconds for which work ahead rests after a person turned to another crop, with which the next ones have their turn.
RESTS = 10.0


@DBOS.workflow(name="rank_queries")
async def rank_queries(
    detection_ids: list[int], scope_key: str, bulk: bool = False, at_once: bool = True, hurried: bool = False
) -> None:
    """Rank these queries within a scope; the answers appear as rankings in the survey.

    bulk: nobody has opened them, so the matcher looks at them when no import is open; see `Ahead`. at_once: whether it
    begins without a pause while an import is open. hurried: whether it pauses without one, too.
    """
    if not bulk:
        current().looked = time.monotonic()
    for detection_id in await rank(detection_ids, scope_key):
        await describe_now([detection_id], DBOS.workflow_id or "")
        await rank([detection_id], scope_key)
    if not bulk:
        options = EnqueueOptions(workflow_name="match_queries", queue_name=Queue.MATCHES)
        if hurried or (not at_once and await any_import()):
            options["delay_seconds"] = MOMENT
        await DBOS.enqueue_workflow_with_options_async(options, detection_ids, scope_key, DBOS.workflow_id)


@DBOS.workflow(name="match_queries")
async def match_queries(detection_ids: list[int], scope_key: str, asked_by: str = "") -> None:
    """Have the matcher rank these queries anew; in a queue of its own, so that the next first order never waits.

    Ends when the first of them, which is on the screen, is left; while an import is open it has its turn alone.

    Args:
        asked_by: the job that a person's look at these queries began.
    """
    for place, detection_id in enumerate(detection_ids):
        if not await match(detection_id, scope_key, DBOS.workflow_id or "", asked_by, place > 0):
            break


@DBOS.workflow(name="rank_ahead")
async def rank_ahead(detection_ids: list[int], scope_key: str) -> None:
    """Rank queries that nobody has opened yet, with the matcher; makes way for an import."""
    for detection_id in detection_ids:
        if not await match_ahead(detection_id, scope_key, DBOS.workflow_id or ""):
            break


@step()
async def rank(detection_ids: list[int], scope_key: str) -> list[int]:
    """Rank those of these queries whose order does not know every decision; returns those without features."""
    scope = Scope.from_key(scope_key)
    old = await read_survey(_without_order, detection_ids, scope)
    return [detection_id for detection_id in old if await _ranked(detection_id, scope) is None]


@step()
async def any_import() -> bool:
    """Whether an import is open."""
    return await read_survey(imports.any_open)


@step(preemptible=True)
async def describe_now(detection_ids: Sequence[int], job: str) -> None:
    """Describe the crops of these boxes by all models in use."""
    now = current()
    await pictures.describe_boxes(now.context, detection_ids, job, now.interactive)


@step(preemptible=True)
async def match(detection_id: int, scope_key: str, job: str, asked_by: str, ahead: bool) -> bool:
    """Have the matcher look at the first candidates of a ranked query, and rank it anew, for the last time.

    Args:
        job: who asks for the calls.
        asked_by: see `match_queries`.
        ahead: the query is not on the screen yet, so it makes way for an import.

    Returns:
        False when it is not wanted any more.
    """
    now = current()

    async def is_wanted() -> bool:
        return not (await _is_left(asked_by) or (ahead and await read_survey(imports.any_open)))

    return await _match(detection_id, Scope.from_key(scope_key), job, now.interactive, is_wanted)


@step(preemptible=True)
async def match_ahead(detection_id: int, scope_key: str, job: str) -> bool:
    """The same for a query that nobody has opened, unless it is done; False when an import or a person is at work.

    Crops that look like it and were ranked before are ranked again, so that whom it was compared with counts for them.
    """
    now, scope = current(), Scope.from_key(scope_key)

    async def is_wanted() -> bool:
        return not _is_at_work(now) and await read_survey(_waits_in_idle_time, detection_id, scope)

    done = await _match(detection_id, scope, job, now.bulk, is_wanted)
    for other in await read_survey(voted_on, detection_id, scope) if done else []:
        if not _is_at_work(now):
            await _ranked(other, scope, last=True)
    return not (_is_at_work(now) or await read_survey(imports.any_open))


async def _match(
    detection_id: int, scope: Scope, job: str, lane: Lane, is_wanted: Callable[[], Awaitable[bool]]
) -> bool:
    """Match the pairs that are left, some at a time; what was found stays known where it ends before the last."""
    now = current()
    if not await is_wanted():
        return False
    left = await _ranked(detection_id, scope)
    if not left:
        return True
    try:
        while left:
            some, left = left[: now.context.backend.pairs_at_once], left[now.context.backend.pairs_at_once :]
            await matches.match(now.context, detection_id, some, job, lane)
            if left and not await is_wanted():
                return False
    except (BackendError, Refused, OSError) as error:
        log.warning("The matcher cannot look at the candidates of crop %s: %s", detection_id, error)
    await _ranked(detection_id, scope, last=True)
    return True


async def _ranked(detection_id: int, scope: Scope, *, last: bool = False) -> list[Pair] | None:
    """Rank one query; the pairs that the matcher has still to look at, None when its crop has no features yet."""
    now = current()
    matching = bool((await asyncio.to_thread(now.context.choose)).later)
    try:
        return await asyncio.to_thread(now.gallery.rank, detection_id, scope, matching=matching, last=last)
    except NotDescribed:
        return None


def _without_order(session: Session, detection_ids: Sequence[int], scope: Scope) -> list[int]:
    last, now = rankings.last_rankings(session, detection_ids, FUSED, scope), rankings.stamp(session)
    return [detection_id for detection_id in detection_ids if not rankings.is_fresh(last.get(detection_id), now)]


async def _is_left(job: str) -> bool:
    """Whether the person whose look began this job looks at another crop by now."""
    status = await DBOS.get_workflow_status_async(job) if job else None
    return status is not None and LEFT in (status.attributes or {})


def _is_at_work(now: Current) -> bool:
    """Whether a person turned to another crop a moment ago."""
    return time.monotonic() - now.looked < RESTS


def _waits_in_idle_time(session: Session, detection_id: int, scope: Scope) -> bool:
    """Whether no import is open, and the crop still waits for a decision and for a settled order, fresh or not."""
    if imports.any_open(session) or rankings.is_decided(session, detection_id):
        return False
    last = rankings.ranking(session, detection_id, FUSED, scope)
    return last is None or not last.settled


class Ahead:
    """Says which waiting crops the matcher is to look at before anybody opens them.

    Looks when something has changed.
    """

    def __init__(self, now: Current) -> None:
        self._now, self._context = now, now.context
        self._seen: tuple[object, ...] = ()
        self._due: list[Due] = []

    def due(self) -> list[Due]:
        """The next of them, while no import is open and no person at work.

        Raises BackendError when a model cannot be loaded.
        """
        if _is_at_work(self._now):
            self._seen = ()
            return []
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
