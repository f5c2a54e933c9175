"""The matcher's evidence of pairs it has matched: their animals alone and their backgrounds alone, matched apart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.analysis.calls import Lane, Request, ask
from app.analysis.context import Context
from app.analysis.digest import digest
from app.analysis.evidence import READER, NoCrop, values_of
from app.analysis.matches import features_of
from app.survey.detections import evidence as kept
from app.survey.detections.boxes import BoxView, boxes
from app.survey.detections.matches import matches_of
from modal_backend.contracts import Failure, LocalFeatures, PairMatches, PairQuestion
from modal_backend.registry import MATCHER

if TYPE_CHECKING:
    from modal_backend.models.evidence.mask import Mask


@dataclass(frozen=True, slots=True)
class Pair:
    """Two crops, the lower id first: their boxes, features, masks, and the matches of the whole crops."""

    boxes: tuple[BoxView, BoxView]
    features: tuple[LocalFeatures, LocalFeatures]
    masks: tuple[Mask, Mask]
    whole: PairMatches


async def compare(context: Context, query_id: int, candidate_ids: Sequence[int], job: str, lane: Lane) -> None:
    """Add the matcher's evidence to that of a query and these candidates; pairs it has not matched are passed over.

    Args:
        job, lane: see `calls.ask`.

    Raises:
        BackendError: the matcher gave no answer.
    """
    for candidate_id in candidate_ids:
        low, high = sorted((query_id, candidate_id))
        pair = await asyncio.to_thread(_read, context, low, high)
        if pair is not None:
            await _compare(context, pair, job, lane)


async def _compare(context: Context, pair: Pair, job: str, lane: Lane) -> None:
    def make() -> Request:
        from modal_backend.models.evidence.matched import questions

        asked: list[PairQuestion] = questions(pair.features, pair.masks)
        return Request(None, digest(asked), asked)

    _, (answer,) = await ask(context, job, [MATCHER], make, lane)
    parts = [None if isinstance(value, Failure) else value[0] for value in answer.result.values]
    if None not in parts:
        await asyncio.to_thread(_keep, context, pair, parts)


def _read(context: Context, low: int, high: int) -> Pair | None:
    with context.survey.read() as session:
        whole, found = matches_of(session, low, high), boxes(session, (low, high))
    features, keys = features_of(context, (low, high))
    if whole is None or any(crop not in found or keys.get(crop) != kept.key_of(found[crop]) for crop in (low, high)):
        return None
    try:
        masks = READER.reading(context, found[low]).mask, READER.reading(context, found[high]).mask
    except NoCrop:
        return None
    return Pair((found[low], found[high]), (features[low], features[high]), masks, whole)


def _keep(context: Context, pair: Pair, parts: Sequence[Any]) -> None:
    from modal_backend.models.evidence.matched import evidence_of

    animal, background = parts
    evidence = evidence_of(pair.features, pair.masks, pair.whole, animal, background)
    with context.survey.write() as session:
        kept.keep_by_matcher(session, *pair.boxes, values_of(evidence) | {"alike": evidence.alike})
