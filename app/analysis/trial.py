"""A model on trial looks at finished images; what it finds is kept beside what counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa

from app.analysis.calls import Answer, Lane, Request, ask
from app.analysis.context import Context
from app.analysis.digest import digest
from app.ingest.picture import decode
from app.ingest.refusals import Refused
from app.survey.detections import results
from app.survey.tables.media import Media
from app.survey.tables.trials import Trial
from app.survey.trials import trials
from modal_backend.contracts import Failure, Picture
from modal_backend.errors import JobFailed, sentence
from modal_backend.models.detectors.prepare import prepare, threshold
from modal_backend.registry import MODELS, Task


async def look(context: Context, trial_id: int, media_ids: Sequence[int], job: str, lane: Lane) -> None:
    """Have a tried model look at these images. Where it fails, the trial says why; the image has not failed.

    Args:
        job: see `calls.ask`.

    Raises:
        BackendError: no image can be looked at.
    """
    with context.survey.read() as session:
        model = session.get_one(Trial, trial_id).model

    def make() -> Request:
        pictures = _pictures(context, trial_id, media_ids, max(1024, MODELS[model].side))
        return Request(
            list(pictures), digest(list(pictures)), [prepare(model, picture) for picture in pictures.values()]
        )

    try:
        ids, answers = await ask(context, job, [model], make, lane)
    except JobFailed as error:
        await asyncio.to_thread(_fail, context, trial_id, dict.fromkeys(media_ids, sentence(error)))
        return
    for answer in answers:
        await asyncio.to_thread(_keep, context, trial_id, ids, answer)


def _pictures(context: Context, trial_id: int, media_ids: Sequence[int], side: int) -> dict[int, Picture]:
    """The images that can be read, by id; why the others cannot is written down."""
    with context.survey.read() as session:
        rows = session.scalars(sa.select(Media).where(Media.id.in_(media_ids)).order_by(Media.id)).all()
    pictures: dict[int, Picture] = {}
    failed: dict[int, str] = {}
    for media in rows:
        try:
            pictures[media.id] = decode(context.path_of(media), at_least=side)
        except (Refused, OSError) as error:
            failed[media.id] = f"The stored file cannot be read: {error}"
    _fail(context, trial_id, failed)
    return pictures


def _keep(context: Context, trial_id: int, media_ids: Sequence[int], answer: Answer) -> None:
    provenance = answer.result.provenance
    with context.survey.write() as session:
        version = results.model_version(session, Task.DETECT, provenance, threshold(provenance.model))
        for media_id, found in zip(media_ids, answer.result.values, strict=True):
            if isinstance(found, Failure):
                trials.fail(session, trial_id, media_id, found.reason)
            else:
                trials.keep(session, trial_id, media_id, version, answer.call_id, found)


def _fail(context: Context, trial_id: int, reasons: dict[int, str]) -> None:
    if not reasons:
        return
    with context.survey.write() as session:
        for media_id, reason in reasons.items():
            trials.fail(session, trial_id, media_id, reason)
