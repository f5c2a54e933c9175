"""What was computed about pairs of crops and about single crops: matches, background test, outline, quality.

Nothing here is a decision: every row can be computed again from the crops.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections.boxes import BoxView, boxes
from app.survey.detections.matches import ordered, scores_of
from app.survey.detections.results import box_key
from app.survey.tables.detections import Feature
from app.survey.tables.evidence import CropOutline, PairEvidence
from modal_backend.models.evidence.chance import MATCHER_CHANCE, RAPID_CHANCE, marked_by

VERSION = "1"
PAIRS_VERSION = "3"


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """The evidence of a query and one candidate, as the match view draws it; lines begin at the query.

    warning: matches on the backgrounds and on the animals by the test that finds the match to live on the background,
    None where none does. by: RAPID or matcher. chance: matches that two different animals reach. other: the same by the
    other of the two, which shows less, if it has compared the crops.
    """

    lines: list[list[int]]
    whole: int
    animal: int
    background: int
    problem: str | None
    warning: tuple[int, int] | None = None
    by: str = "RAPID"
    chance: int = RAPID_CHANCE
    other: EvidenceView | None = None

    @property
    def by_rapid(self) -> EvidenceView:
        """RAPID's evidence: this or the other."""
        return self.other if self.by != "RAPID" and self.other is not None else self

    @property
    def waits(self) -> bool:
        """Whether the matcher's evidence may still come."""
        return self.by == "RAPID" and self.other is None and self.problem is None

    @property
    def strength(self) -> float:
        """How far the matches on the animals are above what chance gives."""
        return self.animal / self.chance


def key_of(box: BoxView) -> str:
    """The rectangle of a box as evidence remembers it."""
    return box_key(box.box)


def evidence_of(
    session: Session, wanted: Mapping[int, Collection[int]], known: Mapping[int, BoxView] | None = None
) -> dict[int, dict[int, EvidenceView]]:
    """What is known about queries and candidates of theirs as the boxes stand, by query and candidate.

    Args:
        wanted: by query, its candidates.
        known: boxes that have been read before.
    """
    evidence: dict[int, dict[int, EvidenceView]] = {query_id: {} for query_id in wanted}
    crops = {crop for candidates in wanted.values() for crop in candidates}
    if not crops:
        return evidence
    known = known or {}
    keys = _keys({**known, **boxes(session, {*wanted, *crops} - known.keys())})
    low, high = PairEvidence.low_id, PairEvidence.high_id
    either = sa.or_(sa.and_(low.in_(wanted), high.in_(crops)), sa.and_(high.in_(wanted), low.in_(crops)))
    for row in session.scalars(sa.select(PairEvidence).where(either, PairEvidence.version == PAIRS_VERSION)):
        if (keys.get(row.low_id), keys.get(row.high_id)) != (row.low_box, row.high_box):
            continue
        for query_id, other in ((row.low_id, row.high_id), (row.high_id, row.low_id)):
            if other in wanted.get(query_id, ()):
                evidence[query_id][other] = _view(row, row.high_id == query_id)
    return evidence


def stages_of(
    session: Session, wanted: Mapping[int, Collection[int]], evidence: Mapping[int, Mapping[int, EvidenceView]]
) -> dict[int, dict[int, int]]:
    """How much evidence is still to come, by query and candidate, beside what is known.

    2: all of it, 1: the matcher's, which has matched the two and whose evidence is not known, 0: none.
    """
    pairs = [(query_id, number) for query_id, ids in wanted.items() for number in ids]
    waiting = {
        (query_id, pair) for query_id, pair in pairs if pair in evidence[query_id] and evidence[query_id][pair].waits
    }
    matched = scores_of(session, waiting)
    found: dict[int, dict[int, int]] = {query_id: {} for query_id in wanted}
    for query_id, pair in pairs:
        is_waiting = (query_id, pair) in waiting and ordered(query_id, pair) in matched
        found[query_id][pair] = int(is_waiting) if pair in evidence[query_id] else 2
    return found


def _keys(found: Mapping[int, BoxView]) -> dict[int, str]:
    return {box.id: key_of(box) for box in found.values()}


def missing_pairs(session: Session, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of these pairs of query and candidate, those without evidence of their present boxes, in order."""
    wanted: dict[int, list[int]] = {}
    for query_id, candidate_id in pairs:
        wanted.setdefault(query_id, []).append(candidate_id)
    known = evidence_of(session, wanted)
    return [
        (query_id, candidate)
        for query_id, candidates in wanted.items()
        for candidate in candidates
        if candidate not in known[query_id]
    ]


def keep_by_matcher(session: Session, low: BoxView, high: BoxView, values: dict[str, Any]) -> None:
    """Add the matcher's evidence to what is known about two crops as their boxes stand; low_id < high_id.

    Args:
        values: lines, whole, animal, background, on_background, alike.
    """
    session.execute(
        sa.update(PairEvidence)
        .where(PairEvidence.low_id == low.id, PairEvidence.high_id == high.id)
        .where(PairEvidence.low_box == key_of(low), PairEvidence.high_box == key_of(high))
        .values(matcher=values)
    )


def any_crops(session: Session) -> bool:
    """Whether any crop has been described."""
    return session.scalar(sa.select(Feature.id).limit(1)) is not None


def masks(session: Session, detection_ids: Collection[int]) -> dict[int, str]:
    """The animal masks known of these crops, 24 x 24 bytes row by row in base64."""
    rows = session.execute(
        sa.select(CropOutline.detection_id, CropOutline.mask).where(CropOutline.detection_id.in_(detection_ids))
    )
    return {row.detection_id: base64.b64encode(row.mask).decode() for row in rows}


def _view(row: PairEvidence, turned: bool) -> EvidenceView:
    warning = _warning(row)
    counts = (row.whole, row.animal, row.background, row.problem, warning)
    by_rapid = EvidenceView(_turned(row.lines) if turned else row.lines, *counts)
    if row.matcher is None:
        return by_rapid
    values = {name: row.matcher[name] for name in ("lines", "whole", "animal", "background")}
    values |= {"lines": _turned(values["lines"])} if turned else {}
    by_matcher = EvidenceView(**values, problem=None, warning=warning, by="matcher", chance=MATCHER_CHANCE)
    weaker, stronger = sorted((by_matcher, by_rapid), key=lambda view: view.strength)
    return replace(stronger, other=weaker)


def _warning(row: PairEvidence) -> tuple[int, int] | None:
    matcher = row.matcher or {"on_background": False, "alike": 0.0}
    marking = marked_by(row.on_background, row.animal, matcher["on_background"], matcher["alike"])
    if marking is None:
        return None
    return (row.background, row.animal) if marking == "RAPID" else (matcher["background"], matcher["animal"])


def _turned(lines: list[list[int]]) -> list[list[int]]:
    return [[x2, y2, x1, y1, *rest] for x1, y1, x2, y2, *rest in lines]
