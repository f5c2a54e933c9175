"""What models' scores mean in this survey: calibrations fitted to its decisions, and the decided pairs behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.decisions import Decision
from app.survey.tables.detections import ModelVersion, Ranking
from app.survey.tables.individuals import Sighting
from app.survey.tables.models import Calibration
from modal_backend.models.probability.calibration import FUSED, FUSION_VERSION, PARTS
from modal_backend.registry import MATCH_FEATURES

DECIDING = ("same", "different", "new")
IMPLIED_A_QUERY = 12
MOST_QUERIES = 2000
# Kept with a decision's figures. Those without it are of before: their scores were on another scale (an identity was
# the sum of its crops), and some were a neighbouring query's. Fused scores before 3 knew nothing of a query's others.
# The matcher's before 4, alone or fused, are of smaller crops.
SCALE, SCALE_OF_FUSED, SCALE_OF_ONE = 4, 3, 2


@dataclass(frozen=True, slots=True)
class Pair:
    """One decided pair: the query and the candidate that were shown, the model's raw score, and what was decided."""

    query_id: int
    candidate_id: int
    score: float
    same: bool


def latest(session: Session, model: str) -> Calibration | None:
    """The calibration in use for a model; None while there is none and the start values hold."""
    return session.scalar(
        sa.select(Calibration).where(Calibration.model == model).order_by(Calibration.id.desc()).limit(1)
    )


def decided_queries(session: Session) -> int:
    """How many queries somebody has decided: same, different or new, what was undone left out."""
    return (
        session.scalar(
            sa.select(sa.func.count(sa.distinct(Decision.detection_id))).where(
                Decision.kind.in_(DECIDING), Decision.undone_at.is_(None)
            )
        )
        or 0
    )


def last_decision(session: Session) -> int:
    """Id of the newest decision of any kind; 0 without one."""
    return session.scalar(sa.select(sa.func.max(Decision.id))) or 0


def decided_pairs(session: Session, model: str) -> list[Pair]:
    """Pairs with the model's score when they were shown.

    First what somebody said about a pair (same, different; the last word counts), with the figures kept in the
    decision's view. Then what follows from it: the other candidates shown for a query that has an individual now, where
    they belong to one too; at most IMPLIED_A_QUERY a query, of the newest MOST_QUERIES rankings.
    """
    pairs = {_key(pair): pair for pair in _decided(session, model)}
    for pair in _implied(session, model):
        pairs.setdefault(_key(pair), pair)
    return list(pairs.values())


def _decided(session: Session, model: str) -> Iterator[Pair]:
    rows = session.scalars(
        sa.select(Decision)
        .where(Decision.kind.in_(("same", "different")), Decision.undone_at.is_(None))
        .order_by(Decision.id)
    )
    for row in rows:
        score = _score(row.view, model)
        candidate = row.view.get("candidate_id")
        if score is not None and candidate is not None and row.detection_id is not None:
            yield Pair(row.detection_id, int(candidate), score, row.kind == "same")


def _implied(session: Session, model: str) -> Iterator[Pair]:
    rows = session.execute(sa.select(Sighting.detection_id, Sighting.individual_id))
    individual = {row.detection_id: row.individual_id for row in rows}
    of_scale = ModelVersion.version == FUSION_VERSION if model in PARTS else sa.true()
    shown = session.execute(
        sa.select(Ranking.detection_id, Ranking.candidates)
        .join(ModelVersion, ModelVersion.id == Ranking.model_version_id)
        .join(Sighting, Sighting.detection_id == Ranking.detection_id)
        .where(ModelVersion.model == _shown_as(model), of_scale)
        .order_by(Ranking.created_at.desc())
        .limit(MOST_QUERIES)
    )
    for query_id, candidates in shown:
        for candidate in candidates[:IMPLIED_A_QUERY]:
            theirs = individual.get(int(candidate["crop_id"]))
            if theirs is not None and _made_with(candidate.get("models", {}), model):
                yield Pair(
                    query_id, int(candidate["crop_id"]), float(candidate["score"]), theirs == individual[query_id]
                )


def _score(view: dict[str, Any], model: str) -> float | None:
    """The model's raw score in the figures kept with a decision; None where they are of another scale."""
    if (view.get("scale") or 0) < _least_scale(model):
        return None
    name = _shown_as(model)
    figures = view.get("models", {}).get(name)
    if figures is not None:
        figure = figures.get("score") if _made_with(view["models"], model) else None
    else:
        figure = view.get("score") if view.get("model") == model else None
    return None if figure is None else float(figure)


def _least_scale(model: str) -> int:
    if MATCH_FEATURES in PARTS.get(model, (model,)):
        return SCALE
    return SCALE_OF_FUSED if model in PARTS else SCALE_OF_ONE


def _shown_as(model: str) -> str:
    """The name under which candidates carry a model's figures."""
    return FUSED if model in PARTS else model


def _made_with(figures: Mapping[str, Any], model: str) -> bool:
    """Whether these figures are of this model: a fusion's are where its profile of RAPID has spoken, and the matcher
    only if it is a part. The scores of two fusions are not one scale."""
    if model not in PARTS or not figures:
        return True
    parts = PARTS[model]
    return parts[0] in figures and (_spoke(figures, MATCH_FEATURES) == (MATCH_FEATURES in parts))


def _spoke(figures: Mapping[str, Any], model: str) -> bool:
    return figures.get(model, {}).get("score") is not None


def _key(pair: Pair) -> tuple[int, int]:
    return min(pair.query_id, pair.candidate_id), max(pair.query_id, pair.candidate_id)
