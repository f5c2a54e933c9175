"""Crops whose stored match figures speak for another individual than the one they were assigned to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.features import profiles
from app.survey.individuals.sightings import SightingView
from app.survey.tables.detections import ModelVersion, Ranking
from app.survey.tables.individuals import Sighting
from modal_backend.contracts import OPPOSITE
from modal_backend.registry import LOCAL

TIMES = 3.0
LEAST_MATCHES = 10


def contradicted_crops(session: Session, by_id: Mapping[int, SightingView]) -> Iterator[tuple[int, int]]:
    """(crop, better candidate of another individual) for each crop of a known flank.

    A crop counts when its individual has another crop of the same flank, and its last ranking by local features gives
    a crop of that flank of somebody else at least LEAST_MATCHES matches and TIMES the score of the best of its own.
    Both figures are Pugmark's own rule of thumb for what a person should look at again, not a test.
    """
    sides: dict[tuple[int, str], int] = defaultdict(int)
    for sighting in by_id.values():
        sides[sighting.individual_id, sighting.flank] += 1
    rows = session.execute(
        sa.select(Ranking.detection_id, Ranking.candidates)
        .join(ModelVersion, ModelVersion.id == Ranking.model_version_id)
        .join(Sighting, Sighting.detection_id == Ranking.detection_id)
        .where(ModelVersion.model.in_(profiles(LOCAL)))
        .order_by(Ranking.created_at)
        .execution_options(yield_per=500)
    )
    newest = {row.detection_id: row.candidates for row in rows}
    for crop, candidates in newest.items():
        mine = by_id.get(crop)
        if mine is None or mine.flank not in OPPOSITE or sides[mine.individual_id, mine.flank] < 2:
            continue
        own, other, better = 0.0, 0.0, None
        for candidate in candidates:
            view = by_id.get(int(candidate["crop_id"]))
            if view is None or view.flank != mine.flank:
                continue
            score, matches = float(candidate["score"]), int(candidate.get("matches") or 0)
            if view.individual_id == mine.individual_id:
                own = max(own, score)
            elif matches >= LEAST_MATCHES and score > other:
                other, better = score, view.detection_id
        if better is not None and other >= TIMES * max(own, 1e-9):
            yield crop, better
