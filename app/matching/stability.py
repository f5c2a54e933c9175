"""How many pairs are left until the number of individuals is stable, and why.

Crops and individuals that are the same almost surely (SURE) are taken together. Every pair in between, neither almost
surely the same nor almost surely different, can still change the number: with all of them the same it is `fewest`, with
none of them `most`. Crops of one event are no candidates for each other while the scope leaves their event out, so each
and the next of its event count as such a pair too. A crop that has not been compared may be one individual more, and
every left flank may belong to a right one: only when nothing of this is left is the count stable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.individuals.flanks import SIDES, one_sided
from app.survey.individuals.rankings import Scope
from app.survey.tables.detections import Detection, ModelVersion, Ranking
from app.survey.tables.individuals import Individual, PairVerdict, Sighting
from app.survey.tables.media import Media
from modal_backend.models.probability.calibration import FUSED
from modal_backend.registry import LOCAL

SURE = 0.95
MOST_RANKINGS = 5_000
MOST_NEXT = 500

Node = tuple[str, int]
Pair = tuple[Node, Node]


@dataclass(frozen=True, slots=True)
class Stability:
    """pairs: known to be in doubt. named: individuals in the catalogue; fewest, most: what the number can become.

    Of the waiting crops: compared: those the figures rest on; not_compared: those without a ranking in this scope,
    `next_up` the first of them; left_out: those ranked, but beyond MOST_RANKINGS. flanks: how many individuals known by
    one flank alone could still be joined to one known by the other.
    """

    pairs: int
    named: int
    fewest: int
    most: int
    compared: int
    not_compared: int
    left_out: int
    flanks: int
    next_up: tuple[int, ...]

    @property
    def sentence(self) -> str:
        """The figure with its reasoning."""
        unknown = self.not_compared + self.left_out
        if not self.compared and unknown:
            return f"{_crops(unknown)} not been compared yet, so nothing can be said about the count."
        span = f"{self.fewest:,} to {self.most:,}"
        named = f"{_individuals(self.named)} {'is' if self.named == 1 else 'are'} named"
        premise = f"{named}, and depending on the pairs between {1 - SURE:.0%} and {SURE:.0%}"
        if self.pairs:
            pairs = "1 pair is" if self.pairs == 1 else f"{self.pairs:,} pairs are"
            start = "At least " if unknown else "Up to " if self.pairs > 1 else ""
            text = f"{start}{pairs} left until the count is stable: {premise} there are {span}."
        elif unknown:
            text = f"No compared pair is in doubt, yet the count is not stable: it can become {span}."
        else:
            text = f"The count is stable at {_individuals(self.most)}: no candidate is in doubt."
        return " ".join([text, *self._left()])

    def _left(self) -> list[str]:
        left = []
        if self.not_compared:
            left.append(f"{_crops(self.not_compared)} not been compared yet; each may be one individual more.")
        if self.left_out:
            left.append(f"{self.left_out:,} compared earlier are counted as one individual each.")
        if self.flanks:
            left.append(f"It can fall by {self.flanks:,} more where a left and a right flank belong to one animal.")
        return left


def stability(session: Session, scope: Scope | None = None) -> Stability:
    """The figure for every crop that waits for a decision, from its newest fused ranking within the scope."""
    scope = scope or Scope()
    version = feature_version(session, LOCAL)
    total = rankings.waiting_count(session, version) if version is not None else 0
    still = rankings.waiting(session, version, limit=total) if version is not None else []
    ranked = _ranked(session, scope, set(still))
    counted = list(ranked)[:MOST_RANKINGS]
    groups, doubts = _Groups(), _event_pairs(session, counted) if scope.other_events else []
    for number in counted:
        groups.add(("crop", number))
    doubts += _candidate_pairs(session, [ranked[number] for number in counted], groups)
    between = {frozenset((groups.of(a), groups.of(b))) for a, b in doubts}
    named = session.scalar(sa.select(sa.func.count(Individual.id)).where(Individual.merged_into_id.is_(None))) or 0
    unknown = len(still) - len(counted)
    most = named + groups.without_individual() + unknown
    for a, b in doubts:
        groups.join(a, b)
    sides = list(one_sided(session).values())
    missing = [number for number in still if number not in ranked]
    return Stability(
        pairs=sum(len(pair) == 2 for pair in between),
        named=named,
        fewest=max(named + groups.without_individual(), 1 if still else 0),
        most=most,
        compared=len(counted),
        not_compared=len(missing),
        left_out=len(ranked) - len(counted),
        flanks=min(sides.count(side) for side in SIDES),
        next_up=tuple(missing[:MOST_NEXT]),
    )


def _individuals(count: int) -> str:
    return f"{count:,} individual{'' if count == 1 else 's'}"


def _crops(count: int) -> str:
    return "1 crop has" if count == 1 else f"{count:,} crops have"


def _ranked(session: Session, scope: Scope, still: set[int]) -> dict[int, int]:
    """The newest fused ranking of each of these crops, the crop ranked last first: id of the ranking by crop."""
    rows = session.execute(
        sa.select(Ranking.detection_id, Ranking.id)
        .join(ModelVersion, ModelVersion.id == Ranking.model_version_id)
        .where(ModelVersion.model == FUSED, Ranking.scope == scope.key())
        .order_by(Ranking.created_at.desc(), Ranking.id.desc())
    )
    found: dict[int, int] = {}
    for detection_id, number in rows:
        if detection_id in still:
            found.setdefault(detection_id, number)
    return found


def _candidate_pairs(session: Session, ranking_ids: Sequence[int], groups: _Groups) -> list[Pair]:
    """Pairs in doubt; those that are the same almost surely are joined in the groups."""
    individual = {
        row.detection_id: row.individual_id
        for row in session.execute(sa.select(Sighting.detection_id, Sighting.individual_id))
    }
    decided = {(row.low_id, row.high_id) for row in session.execute(sa.select(PairVerdict.low_id, PairVerdict.high_id))}
    doubts: list[Pair] = []
    for query_id, candidates in _candidates(session, ranking_ids):
        query: Node = ("crop", query_id)
        for candidate in candidates:
            crop, chance = int(candidate["crop_id"]), candidate.get("probability")
            if chance is None or (min(crop, query_id), max(crop, query_id)) in decided:
                continue
            owner = individual.get(crop)
            other: Node = ("individual", owner) if owner is not None else ("crop", crop)
            if chance >= SURE:
                groups.join(query, other)
            elif chance > 1 - SURE:
                doubts.append((query, other))
    return doubts


def _candidates(session: Session, ranking_ids: Sequence[int]) -> Iterator[tuple[int, list[Any]]]:
    for some in slices(ranking_ids):
        rows = session.execute(sa.select(Ranking.detection_id, Ranking.candidates).where(Ranking.id.in_(some)))
        for row in rows:
            yield row.detection_id, row.candidates


def _event_pairs(session: Session, crops: Sequence[int]) -> list[Pair]:
    """Each of these crops with the next of its event on another picture."""
    of_event: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for some in slices(crops):
        rows = session.execute(
            sa.select(Media.event_id, Media.id, Detection.id)
            .join(Detection, Detection.media_id == Media.id)
            .where(Detection.id.in_(some), Media.event_id.is_not(None))
        )
        for event_id, media_id, detection_id in rows:
            of_event[event_id or 0].append((media_id, detection_id))
    return [
        (("crop", here), ("crop", there))
        for members in of_event.values()
        for (first, here), (second, there) in pairwise(sorted(members))
        if first != second
    ]


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
