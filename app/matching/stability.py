"""How many pairs are left until the number of individuals is stable, and why.

Crops and individuals that are the same almost surely (SURE) are taken together. Every pair in between, neither almost
surely the same nor almost surely different, can still change the number: with all of them the same it is `fewest`, with
none of them `most`. When no such pair is left between two groups the count is stable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey import rankings
from app.survey.detections import ModelVersion, Ranking
from app.survey.individuals import Individual, PairVerdict, Sighting
from app.survey.rankings import Scope
from modal_backend.models.calibration import FUSED
from modal_backend.registry import LOCAL

SURE = 0.95
MOST_RANKINGS = 2_000

Node = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Stability:
    """pairs: to be looked at until the count is stable. named: individuals in the catalogue; fewest, most: what the
    number can become. compared: waiting crops with candidates; not_compared: those nobody has asked about yet."""

    pairs: int
    named: int
    fewest: int
    most: int
    compared: int
    not_compared: int

    @property
    def sentence(self) -> str:
        """The figure with its reasoning."""
        if not self.compared and self.not_compared:
            return f"{self.not_compared:,} crops have not been compared yet, so nothing can be said about the count."
        rest = f" {self.not_compared:,} more crops have not been compared yet." if self.not_compared else ""
        if self.pairs == 0:
            return f"The count is stable at {self.most:,} individuals: no candidate is in doubt.{rest}"
        pairs = "1 pair is" if self.pairs == 1 else f"{self.pairs:,} pairs are"
        return (
            f"{pairs} left until the count is stable: {self.named:,} individuals are named, and depending on the pairs "
            f"between {1 - SURE:.0%} and {SURE:.0%} there are {self.fewest:,} to {self.most:,}.{rest}"
        )


def stability(session: Session, scope: Scope | None = None) -> Stability:
    """The figure for the crops that wait for a decision, from their newest rankings (fused, at most MOST_RANKINGS)."""
    version = rankings.feature_version(session, LOCAL)
    waiting = rankings.waiting_count(session, version) if version is not None else 0
    named = session.scalar(sa.select(sa.func.count(Individual.id)).where(Individual.merged_into_id.is_(None))) or 0
    groups, open_pairs, compared = _Groups(), [], 0
    individual = {
        row.detection_id: row.individual_id
        for row in session.execute(sa.select(Sighting.detection_id, Sighting.individual_id))
    }
    said = {(row.low_id, row.high_id) for row in session.execute(sa.select(PairVerdict.low_id, PairVerdict.high_id))}
    still = set(rankings.waiting(session, version, limit=waiting)) if version is not None else set()
    for query_id, candidates in _rankings(session, scope or Scope()):
        if query_id not in still:
            continue
        compared += 1
        query: Node = ("crop", query_id)
        groups.add(query)
        for one in candidates:
            crop, chance = int(one["crop_id"]), one.get("probability")
            if chance is None or (min(crop, query_id), max(crop, query_id)) in said:
                continue
            owner = individual.get(crop)
            other: Node = ("individual", owner) if owner is not None else ("crop", crop)
            if chance >= SURE:
                groups.join(query, other)
            elif chance > 1 - SURE:
                open_pairs.append((query, other))
    between = {frozenset((groups.of(a), groups.of(b))) for a, b in open_pairs}
    between = {pair for pair in between if len(pair) == 2}
    most = named + groups.without_individual()
    for a, b in open_pairs:
        groups.join(a, b)
    return Stability(
        len(between), named, named + groups.without_individual(), most, compared, max(0, waiting - compared)
    )


def _rankings(session: Session, scope: Scope) -> list[tuple[int, list[Any]]]:
    rows = session.execute(
        sa.select(Ranking.detection_id, Ranking.candidates)
        .join(ModelVersion, ModelVersion.id == Ranking.model_version_id)
        .where(ModelVersion.model == FUSED, Ranking.scope == scope.key())
        .order_by(Ranking.created_at.desc())
        .limit(MOST_RANKINGS)
    )
    return [(row.detection_id, row.candidates) for row in rows]


class _Groups:
    """Crops and individuals that are taken together (union-find)."""

    def __init__(self) -> None:
        self._above: dict[Node, Node] = {}

    def add(self, node: Node) -> None:
        self._above.setdefault(node, node)

    def of(self, node: Node) -> Node:
        self.add(node)
        while self._above[node] != node:
            self._above[node] = self._above[self._above[node]]
            node = self._above[node]
        return node

    def join(self, first: Node, second: Node) -> None:
        """An individual stands for its group where there is one."""
        first, second = sorted((self.of(first), self.of(second)))
        self._above[first] = second

    def without_individual(self) -> int:
        """Groups nobody in the catalogue belongs to."""
        return len({self.of(node) for node in self._above if self.of(node)[0] == "crop"})
