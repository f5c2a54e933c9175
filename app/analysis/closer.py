"""Look closer at one finished image: what is found then counts, unless a person has decided about the image."""

from __future__ import annotations

import asyncio

from app.analysis.calls import Answer, Lane, Request, ask
from app.analysis.context import Context
from app.analysis.digest import digest
from app.analysis.pictures import describe_boxes
from app.ingest.picture import decode
from app.survey.detections import results
from app.survey.detections.boxes import over_threshold, rescore
from app.survey.results.stored import decided
from app.survey.tables.media import Media
from modal_backend.contracts import Failure
from modal_backend.errors import JobFailed
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.registry import CLOSER, MODELS, Task


async def look_closer(context: Context, media_id: int, job: str, lane: Lane) -> None:
    """Search an image for small and far animals too, and describe what is found.

    Args:
        job: see `calls.ask`.

    Raises:
        BackendError, or Refused and OSError where the stored image cannot be read any more.
    """

    def make() -> Request:
        with context.survey.read() as session:
            media = session.get_one(Media, media_id)
        path = context.path_of(media)
        picture = decode(path, at_least=MODELS[CLOSER].side)
        return Request(None, digest([media_id]), [prepare(CLOSER, picture)])

    _, (answer,) = await ask(context, job, [CLOSER], make, lane)
    counted = await asyncio.to_thread(_keep, context, media_id, answer)
    await describe_boxes(context, counted, job, lane)


def _keep(context: Context, media_id: int, answer: Answer) -> list[int]:
    """Let the boxes of this answer count; returns the ids of those over the threshold."""
    (found,) = answer.result.values
    if isinstance(found, Failure):
        raise JobFailed(found.reason)
    provenance = answer.result.provenance
    with context.survey.write() as session:
        if decided(session, [media_id]):
            return []
        version = results.model_version(session, Task.DETECT, provenance, threshold(provenance.model))
        ids = results.store_analysis(session, media_id, version, answer.call_id, found)
        rescore(session, [media_id])
        return sorted(over_threshold(session, [media_id]) & set(ids))
