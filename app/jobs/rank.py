"""The job that ranks candidates for queries; crops without features are described first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dbos import DBOS

from app.analysis import pictures
from app.jobs.current import current
from app.matching.gallery import NotDescribed
from app.survey.individuals.rankings import Scope


@DBOS.workflow(name="rank_queries")
async def rank_queries(detection_ids: list[int], scope_key: str) -> None:
    """Rank these queries within a scope; the answers appear as rankings in the survey."""
    for detection_id in detection_ids:
        if not await rank(detection_id, scope_key):
            await describe_now([detection_id], DBOS.workflow_id or "")
            await rank(detection_id, scope_key)


@DBOS.step()
async def rank(detection_id: int, scope_key: str) -> bool:
    """Rank one query; False when its crop has no features yet."""
    try:
        await asyncio.to_thread(current().gallery.rank, detection_id, Scope.from_key(scope_key))
    except NotDescribed:
        return False
    return True


@DBOS.step(preemptible=True)
async def describe_now(detection_ids: Sequence[int], job: str) -> None:
    """Describe the crops of these boxes by all models in use."""
    now = current()
    await pictures.describe_boxes(now.context, detection_ids, job, now.interactive)
