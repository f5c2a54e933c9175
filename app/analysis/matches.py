"""Have the matcher look at pairs of crops, and write down what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.analysis import pictures
from app.analysis.calls import Answer, Lane, Request, ask
from app.analysis.context import Context
from app.analysis.digest import digest
from app.analysis.model_choice import versions_in_use
from app.survey.detections import matches, results
from app.survey.detections.features import lacking
from app.survey.detections.matches import Pair
from modal_backend.contracts import Failure, LocalFeatures, PairQuestion
from modal_backend.registry import MATCH_FEATURES, MATCHER, Task


@dataclass(frozen=True, slots=True)
class Asked:
    """A crop, those it is matched with, and by crop the boxes that the features of all of them were computed from."""

    query: int
    others: list[int]
    box_keys: dict[int, str]


async def match(context: Context, query_id: int, pairs: Sequence[Pair], job: str | None, lane: Lane) -> None:
    """Match these pairs of crops; those without features are described first, what cannot be read is passed over.

    Args:
        query_id: the crop that most of the pairs have in common.
        job, lane: see `calls.ask`.

    Raises:
        BackendError: the matcher gave no answer.
    """
    crops = sorted({crop for pair in pairs for crop in pair})
    left = await asyncio.to_thread(_lacking, context, crops)
    if left:
        await pictures.describe_boxes(context, left, job, lane, [MATCH_FEATURES])

    def make() -> Request:
        asked, questions = _questions(context, query_id, pairs)
        return Request(
            asked,
            digest([(comparison.query, comparison.others, comparison.box_keys) for comparison in asked]),
            questions,
        )

    asked, answers = await ask(context, job, [MATCHER], make, lane)
    for answer in answers:
        await asyncio.to_thread(_store, context, asked, answer)


def _lacking(context: Context, crops: Sequence[int]) -> list[int]:
    with context.survey.read() as session:
        return lacking(session, MATCH_FEATURES, versions_in_use(session, context.backend, MATCH_FEATURES), among=crops)


def _questions(context: Context, query_id: int, pairs: Sequence[Pair]) -> tuple[list[Asked], list[PairQuestion]]:
    """The pairs by the crop they have in common, with the features of both."""
    others_of: dict[int, list[int]] = {}
    for low, high in pairs:
        query, other = (high, low) if high == query_id else (low, high)
        others_of.setdefault(query, []).append(other)
    features, keys = features_of(context, sorted({crop for pair in pairs for crop in pair}))
    asked, questions = [], []
    for query, every in others_of.items():
        others = [other for other in every if other in features]
        if query in features and others:
            asked.append(Asked(query, others, {crop: keys[crop] for crop in (query, *others)}))
            questions.append(PairQuestion(features[query], [features[other] for other in others]))
    return asked, questions


def features_of(context: Context, crops: Sequence[int]) -> tuple[dict[int, LocalFeatures], dict[int, str]]:
    """By crop its features of the present version, and the box they were computed from."""
    with context.survey.read() as session:
        return matches.features_of(session, crops)


def _store(context: Context, asked: Sequence[Asked], answer: Answer) -> None:
    with context.survey.write() as session:
        version = results.model_version(session, Task.MATCH, answer.result.provenance)
        for comparison, found in zip(asked, answer.result.values, strict=True):
            if not isinstance(found, Failure):
                matches.store(
                    session, comparison.query, comparison.others, found, version, comparison.box_keys, answer.call_id
                )
