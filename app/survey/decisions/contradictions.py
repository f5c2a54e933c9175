"""What earlier decisions say about two crops: the chain behind a contradiction and the ways out of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.survey.database import slices
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, PairVerdict, Sighting

FARTHEST = 2000


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain: what was said about two crops (or a crop and its individual), by whom and when."""

    text: str
    crops: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WayOut:
    """Something that solves a contradiction. kind: take back {decision_id}, join {keep_id, other_id}, take out
    {detection_id}, replace {}."""

    kind: str
    label: str
    about: dict[str, int] = field(default_factory=dict)


class Contradiction(Exception):
    """What was asked contradicts an earlier decision; nothing was changed.

    The text says which and what to do; chain: the decisions that make it, in order; ways_out: how it can be solved.
    """

    def __init__(self, text: str, chain: Sequence[Link] = (), ways_out: Sequence[WayOut] = ()) -> None:
        super().__init__(text)
        self.chain, self.ways_out = list(chain), list(ways_out)


def chain_between(session: Session, first_id: int, second_id: int) -> list[Link]:
    """How two crops came to be one individual: the shortest chain of "same", else that both were assigned to it."""
    path = _same_path(session, first_id, second_id)
    if path is not None:
        return [link_of(pair) for pair in path]
    return [*assigned(session, first_id), *assigned(session, second_id)]


def rejection(session: Session, detection_id: int, individual_id: int) -> PairVerdict | None:
    """A standing "different" between a crop and a member of an individual."""
    members = sa.select(Sighting.detection_id).where(Sighting.individual_id == individual_id)
    return session.scalar(
        sa.select(PairVerdict)
        .where(
            PairVerdict.verdict == "different",
            sa.or_(
                sa.and_(PairVerdict.low_id == detection_id, PairVerdict.high_id.in_(members)),
                sa.and_(PairVerdict.high_id == detection_id, PairVerdict.low_id.in_(members)),
            ),
        )
        .order_by(PairVerdict.id)
        .limit(1)
    )


def rejection_between(session: Session, first_id: int, second_id: int) -> PairVerdict | None:
    """A standing "different" between the members of two individuals."""
    first = sa.select(Sighting.detection_id).where(Sighting.individual_id == first_id)
    second = sa.select(Sighting.detection_id).where(Sighting.individual_id == second_id)
    return session.scalar(
        sa.select(PairVerdict)
        .where(
            PairVerdict.verdict == "different",
            sa.or_(
                sa.and_(PairVerdict.low_id.in_(first), PairVerdict.high_id.in_(second)),
                sa.and_(PairVerdict.low_id.in_(second), PairVerdict.high_id.in_(first)),
            ),
        )
        .limit(1)
    )


def rejected(session: Session, query_id: int) -> list[int]:
    """The crops said to be different from this one, newest first."""
    pairs = session.scalars(
        sa.select(PairVerdict)
        .where(
            PairVerdict.verdict == "different",
            sa.or_(PairVerdict.low_id == query_id, PairVerdict.high_id == query_id),
        )
        .order_by(PairVerdict.decided_at.desc(), PairVerdict.id.desc())
    )
    return [pair.high_id if pair.low_id == query_id else pair.low_id for pair in pairs]


def contradicted(session: Session, detection_ids: Collection[int]) -> list[PairVerdict]:
    """Every standing "different" between one of these crops and another crop of its own individual."""
    low, high = aliased(Sighting), aliased(Sighting)
    within_one = (
        sa.select(PairVerdict)
        .join(low, low.detection_id == PairVerdict.low_id)
        .join(high, high.detection_id == PairVerdict.high_id)
        .where(PairVerdict.verdict == "different", low.individual_id == high.individual_id)
        .order_by(PairVerdict.id)
    )
    found: dict[int, PairVerdict] = {}
    for some in slices(sorted(detection_ids)):
        about = sa.or_(PairVerdict.low_id.in_(some), PairVerdict.high_id.in_(some))
        found |= {pair.id: pair for pair in session.scalars(within_one.where(about))}
    return [found[number] for number in sorted(found)]


def verdict_of(session: Session, first_id: int, second_id: int) -> PairVerdict | None:
    """What stands about two crops."""
    low, high = sorted((first_id, second_id))
    return session.scalar(sa.select(PairVerdict).filter_by(low_id=low, high_id=high))


def link_of(pair: PairVerdict) -> Link:
    """A verdict as a link of a chain."""
    sign = {"same": "is the same as", "different": "is different from"}.get(pair.verdict, "may be the same as")
    return Link(f"crop {pair.low_id} {sign} crop {pair.high_id} ({_by(pair.who, pair.decided_at)})", _ends(pair))


def take_back(session: Session, pair: PairVerdict) -> list[WayOut]:
    """The way out that takes back the decision behind a verdict; none when that decision cannot be found."""
    kinds = {"same": "same", "different": "different"}.get(pair.verdict, "pair unsure")
    decisions = session.scalars(
        sa.select(Decision)
        .where(Decision.kind == kinds, Decision.undone_at.is_(None), Decision.detection_id.in_(_ends(pair)))
        .order_by(Decision.id.desc())
    )
    for decision in decisions:
        if {decision.detection_id, decision.view.get("candidate_id")} == set(_ends(pair)):
            label = f'take back "{pair.verdict}" about crops {pair.low_id} and {pair.high_id}'
            return [WayOut("take back", label, {"decision_id": decision.id})]
    return []


def take_out(individual: Individual, detection_id: int) -> WayOut:
    """The way out that takes one crop out of its individual."""
    return WayOut("take out", f"take crop {detection_id} out of {individual.name}", {"detection_id": detection_id})


def join(first: Individual, second: Individual) -> WayOut:
    """The way out that makes two individuals one; the one known longer keeps its name."""
    keep, other = sorted((first, second), key=lambda individual: individual.id)
    about = {"keep_id": keep.id, "other_id": other.id}
    return WayOut("join", f"make {other.name} and {keep.name} one, named {keep.name}", about)


def check_rejections(
    session: Session, query_id: int, candidate_id: int, ours: Individual | None, theirs: Individual | None
) -> None:
    """Raise Contradiction when the crop that is about to be assigned was said to be different from a member."""
    if ours and theirs:
        return
    target, newcomer, member = (theirs, query_id, candidate_id) if theirs else (ours, candidate_id, query_id)
    standing = rejection(session, newcomer, target.id) if target else None
    standing = standing or verdict_of(session, query_id, candidate_id)
    if standing is None or standing.verdict != "different":
        return
    ways = take_back(session, standing)
    other = standing.high_id if standing.low_id == newcomer else standing.low_id
    chain = [link_of(standing)]
    if target and other != member:
        chain = [*chain_between(session, member, other), *chain]
        ways.append(take_out(target, other))
    name = target.name if target else f"crop {member}"
    raise Contradiction(f"This crop was said to be different from {name}. Solve that first.", chain, ways)


def one_already(session: Session, query_id: int, candidate_id: int, individual: Individual) -> Contradiction:
    """Two crops that are to be told apart belong to one individual."""
    return Contradiction(
        f"Both crops belong to {individual.name}. Take one of them out of {individual.name} first.",
        chain_between(session, query_id, candidate_id),
        [take_out(individual, query_id), take_out(individual, candidate_id)],
    )


def named_already(session: Session, query_id: int, individual: Individual) -> Contradiction:
    """A crop that is to get another identity belongs to an individual."""
    return Contradiction(
        f"This crop belongs to {individual.name} already. Take it out of {individual.name} first.",
        assigned(session, query_id),
        [take_out(individual, query_id)],
    )


def _same_path(session: Session, first_id: int, second_id: int) -> list[PairVerdict] | None:
    came: dict[int, tuple[int, PairVerdict] | None] = {first_id: None}
    waiting = deque([first_id])
    while waiting and second_id not in came and len(came) < FARTHEST:
        here = waiting.popleft()
        pairs = session.scalars(
            sa.select(PairVerdict).where(
                PairVerdict.verdict == "same", sa.or_(PairVerdict.low_id == here, PairVerdict.high_id == here)
            )
        )
        for pair in pairs:
            there = pair.high_id if pair.low_id == here else pair.low_id
            if there not in came:
                came[there] = (here, pair)
                waiting.append(there)
    if second_id not in came:
        return None
    path: list[PairVerdict] = []
    step = came[second_id]
    while step is not None:
        path.append(step[1])
        step = came[step[0]]
    return path[::-1]


def assigned(session: Session, detection_id: int) -> list[Link]:
    """That a crop was assigned, as a chain of one link; empty when it is not."""
    row = session.execute(
        sa.select(Sighting.who, Sighting.decided_at, Individual.name)
        .join(Individual, Individual.id == Sighting.individual_id)
        .where(Sighting.detection_id == detection_id)
    ).one_or_none()
    if row is None:
        return []
    return [Link(f"crop {detection_id} is {row.name} ({_by(row.who, row.decided_at)})", (detection_id,))]


def _by(who: str, moment: float) -> str:
    return f"{who}, {datetime.fromtimestamp(moment):%d %b %Y %H:%M}"


def _ends(pair: PairVerdict) -> tuple[int, int]:
    return pair.low_id, pair.high_id
