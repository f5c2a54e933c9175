"""Crops that lack what a model in use makes of them are described: a slice a job, so that imports come between.

A crop lacks a model's features when it was never described, when its box has moved since, when only an older version of
the model has described it, or when the model was taken into use later; see `features.lacking`. Until its turn comes it
keeps waiting for its decision as before. The matcher's features are made here alone, while no import is open.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.orm import Session

from app.analysis import pictures
from app.analysis.context import Context
from app.analysis.model_choice import versions_in_use
from app.analysis.taking_in import batches
from app.ingest.refusals import Refused
from app.jobs.current import current, read_survey
from app.jobs.queue import Due, Rest
from app.jobs.queues import Queue
from app.jobs.steps import step
from app.survey.detections import rapid_profile
from app.survey.detections.features import lacking, lacking_count, present_versions
from app.survey.individuals import rankings
from app.survey.media import imports
from app.survey.tables.detections import Feature, ModelVersion

log = logging.getLogger("pugmark.worker")
SLICE = 400
DELETED_AT_ONCE = 500

Part = tuple[list[str], list[int]]


@DBOS.workflow(name="describe_boxes")
async def describe_boxes(detection_ids: list[int], models: list[str] | None = None) -> None:
    """Describe the crops of these boxes as they stand now, by all models in use unless some are named."""
    await describe(detection_ids, models or [], DBOS.workflow_id or "")


@DBOS.workflow(name="describe_again")
async def describe_again() -> None:
    """Describe a slice of the crops that lack what a model in use makes of them."""
    parts = await next_slice()
    handles = [
        await DBOS.enqueue_workflow_async(Queue.BATCHES, describe_boxes, group, models)
        for models, ids in parts
        for group in batches(ids)
    ]
    for handle in handles:
        await handle.get_result()
    await finish_slice(parts)


@step(preemptible=True)
async def describe(detection_ids: list[int], models: list[str], job: str) -> None:
    """Run again after a crash, it collects the calls that were sent. What cannot be read any more is passed over."""
    now = current()
    lane = now.bulk if models else now.interactive
    try:
        await pictures.describe_boxes(now.context, detection_ids, job, lane, models)
    except (Refused, OSError) as error:
        log.warning("Crops %s cannot be described: %s", detection_ids, error)


@step()
async def next_slice() -> list[Part]:
    """The next crops to describe, each with the models they lack."""
    return await read_survey(slice_of, current().context)


@step()
async def finish_slice(parts: list[Part]) -> None:
    """Forget what older versions said about these crops; let a profile of RAPID take over that has described all."""
    await asyncio.to_thread(end_slice, current().context, parts)
    await asyncio.to_thread(current().gallery.warm_up)


class Lookout:
    """Says when a slice is due. Counts only when the survey has changed since it last did."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen: tuple[object, ...] = ()
        self._due: str | None = None
        self._rest = Rest()

    def due(self) -> list[Due]:
        """The slice that is due, named after the state it is for. Raises BackendError when a model cannot be loaded."""
        models = self._context.choose().describing
        with self._context.survey.read() as session:
            coming = rapid_profile.coming(session)
            state = (rankings.stamp(session), imports.any_open(session), coming, models)
            if state != self._seen and self._rest.over():
                with self._rest.after():
                    self._due, self._seen = job_id(session, self._context), state
        return [Due(self._due, ())] if self._due else []


def job_id(session: Session, context: Context) -> str | None:
    """Names the slice that is due, by the newest features and how many crops lack which model's; None when none is.

    The same state gives the same name: a slice that got nowhere is not tried again until something was described.
    """
    counts = {
        model: lacking_count(session, model, versions_in_use(session, context.backend, model))
        for model in _wanted(session, context)
    }
    if not any(counts.values()) and rapid_profile.coming(session) is None:
        return None
    newest = session.scalar(sa.select(sa.func.max(Feature.id))) or 0
    return "-".join([f"again-{newest}", *(f"{model}.{count}" for model, count in counts.items())])


def slice_of(session: Session, context: Context) -> list[Part]:
    """The next crops to describe, together with those that lack the same models: names of the models, and crops."""
    lacks: dict[int, list[str]] = {}
    for model in _wanted(session, context):
        for detection_id in lacking(session, model, versions_in_use(session, context.backend, model), limit=SLICE):
            lacks.setdefault(detection_id, []).append(model)
    parts: dict[tuple[str, ...], list[int]] = {}
    for detection_id in sorted(lacks)[:SLICE]:
        parts.setdefault(tuple(lacks[detection_id]), []).append(detection_id)
    return [(list(models), ids) for models, ids in parts.items()]


def end_slice(context: Context, parts: Sequence[Part]) -> None:
    """Forget what older versions said about crops described now; let a profile take over that has them all."""
    for models, ids in parts:
        _forget_older(context, models, ids)
    with context.survey.read() as session:
        coming = rapid_profile.coming(session)
        if coming is None or lacking_count(session, coming, versions_in_use(session, context.backend, coming)):
            return
    with context.survey.write() as session:
        rapid_profile.choose(session, coming)
    _forget_other_profile(context, coming)


def _wanted(session: Session, context: Context) -> list[str]:
    coming, choice = rapid_profile.coming(session), context.choose()
    later = () if imports.any_open(session) else choice.later
    return [*choice.describing, *([coming] if coming else []), *later]


def _forget_older(context: Context, models: Sequence[str], detection_ids: Sequence[int]) -> None:
    with context.survey.write() as session:
        for model in models:
            present = present_versions(session, model)
            older = sa.select(ModelVersion.id).where(ModelVersion.model == model, ModelVersion.id.not_in(present))
            anew = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(present))
            session.execute(
                sa.delete(Feature).where(
                    Feature.model_version_id.in_(older),
                    Feature.detection_id.in_(detection_ids),
                    Feature.detection_id.in_(anew),
                )
            )


def _forget_other_profile(context: Context, model: str) -> None:
    others = sa.select(ModelVersion.id).where(ModelVersion.model.in_(set(rapid_profile.TITLES) - {model}))
    some = sa.select(Feature.id).where(Feature.model_version_id.in_(others)).limit(DELETED_AT_ONCE)
    left = True
    while left:
        with context.survey.write() as session:
            ids = list(session.scalars(some))
            session.execute(sa.delete(Feature).where(Feature.id.in_(ids)))
        left = len(ids) == DELETED_AT_ONCE
