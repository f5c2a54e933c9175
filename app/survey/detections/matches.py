"""What the matcher found for pairs of crops, kept so that a pair is matched once.

Nothing here is a decision: every row can be computed again from the crops' features. A row counts while both boxes
stand as they stood and the matcher is the present one; the version in use is that of the newest row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from app.survey.database import slices
from app.survey.detections import results
from app.survey.detections.boxes import boxes
from app.survey.detections.features import alike, present_versions
from app.survey.detections.results import box_key
from app.survey.tables.detections import Feature, ModelVersion
from app.survey.tables.evidence import PairMatch
from modal_backend.contracts import LocalFeatures, PairMatches
from modal_backend.models.matcher.ranking import score
from modal_backend.registry import MATCH_FEATURES

# Of one match: the numbers of both crops' points, the confidence in 255ths, whether it lies as on one plane with most.
MATCH = np.dtype([("low", "<u2"), ("high", "<u2"), ("confidence", "u1"), ("consistent", "u1")])

Pair = tuple[int, int]


def ordered(first: int, second: int) -> Pair:
    """The pair as rows name it, the lower id first."""
    return min(first, second), max(first, second)


def scores_of(session: Session, pairs: Iterable[Pair]) -> dict[Pair, float]:
    """How well these pairs of crops match, by pair (lower id first); pairs that were not matched are left out."""
    return {pair: row.score for pair, row in _rows(session, pairs).items()}


def features_of(session: Session, crops: Sequence[int]) -> tuple[dict[int, LocalFeatures], dict[int, str]]:
    """By crop its matcher's features of the present version, and the box they were computed from."""
    mine = sa.and_(
        Feature.detection_id.in_(crops), Feature.model_version_id.in_(present_versions(session, MATCH_FEATURES))
    )
    rows = list(session.scalars(sa.select(Feature).where(mine).order_by(Feature.id)))
    found = {row.detection_id: results.matcher_features(row) for row in rows}
    return found, {row.detection_id: row.box for row in rows}


def scores_with(session: Session, crops: Collection[int]) -> dict[Pair, float]:
    """How well these crops match whatever they were matched with, by pair (lower id first)."""
    either = sa.or_(PairMatch.low_id.in_(crops), PairMatch.high_id.in_(crops))
    rows = sa.select(PairMatch).where(either, PairMatch.model_version_id.in_(_present_versions(session)))
    return {
        _pair(row): row.score for row in _standing(session, session.scalars(rows.options(defer(PairMatch.matches))))
    }


def matched_with(session: Session, crop: int) -> list[int]:
    """The crops that the matcher has compared this one with, by their ids."""
    pairs = sa.select(PairMatch.low_id, PairMatch.high_id).where(
        sa.or_(PairMatch.low_id == crop, PairMatch.high_id == crop)
    )
    return sorted({other for pair in session.execute(pairs) for other in pair} - {crop})


def matches_of(session: Session, first: int, second: int) -> PairMatches | None:
    """The matches of two crops, from the first to the second; None while they have not been matched."""
    row = _rows(session, [(first, second)]).get(ordered(first, second))
    if row is None:
        return None
    values = np.frombuffer(row.matches, MATCH)
    sides = ("low", "high") if first < second else ("high", "low")
    return PairMatches(
        np.column_stack([values[side] for side in sides]).astype(np.int32),
        (values["confidence"] / 255).astype(np.float32),
        values["consistent"].astype(bool),
    )


def store(
    session: Session,
    query: int,
    others: Sequence[int],
    found: Sequence[PairMatches],
    version: ModelVersion,
    box_keys: dict[int, str],
    call_id: int | None,
) -> None:
    """Write what the matcher found for a crop and others, in place of what was known about these pairs.

    Args:
        found: one answer a crop of `others`, in order; its pairs begin at `query`.
        box_keys: by crop, the boxes that the features were computed from.
    """
    for other, matches in zip(others, found, strict=True):
        low, high = ordered(query, other)
        sides = matches.pairs if query == low else matches.pairs[:, ::-1]
        values = np.empty(len(sides), MATCH)
        values["low"], values["high"] = sides.T
        values["confidence"] = np.rint(255 * matches.confidence)
        values["consistent"] = matches.consistent
        session.execute(sa.delete(PairMatch).filter_by(low_id=low, high_id=high))
        session.add(
            PairMatch(
                low_id=low,
                high_id=high,
                low_box=box_keys[low],
                high_box=box_keys[high],
                model_version_id=version.id,
                score=score(matches),
                matches=values.tobytes(),
                call_id=call_id,
            )
        )
    session.flush()


def _rows(session: Session, pairs: Iterable[Pair]) -> dict[Pair, PairMatch]:
    """The rows of these pairs that count."""
    wanted = {ordered(*pair) for pair in pairs if pair[0] != pair[1]}
    present = _present_versions(session) if wanted else []
    if not present:
        return {}
    rows = _among(session, {crop for pair in wanted for crop in pair}, present)
    return {_pair(row): row for row in _standing(session, (row for row in rows if _pair(row) in wanted))}


def _standing(session: Session, rows: Iterable[PairMatch]) -> list[PairMatch]:
    """Those of which both boxes stand as they stood."""
    found = list(rows)
    keys = {
        view.id: box_key(view.box) for view in boxes(session, {crop for row in found for crop in _pair(row)}).values()
    }
    return [row for row in found if (row.low_box, row.high_box) == tuple(map(keys.get, _pair(row)))]


def _among(session: Session, crops: Collection[int], versions: Collection[int]) -> Iterable[PairMatch]:
    for some in slices(sorted(crops)):
        yield from session.scalars(
            sa.select(PairMatch).where(
                PairMatch.low_id.in_(some), PairMatch.high_id.in_(crops), PairMatch.model_version_id.in_(versions)
            )
        )


def _pair(row: PairMatch) -> Pair:
    return row.low_id, row.high_id


def _present_versions(session: Session) -> list[int]:
    newest = session.scalar(sa.select(PairMatch.model_version_id).order_by(PairMatch.id.desc()).limit(1))
    return [] if newest is None else alike(session, newest)
