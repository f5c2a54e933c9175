"""An animal that walks through what moves anyway, as shadows do, is marked on one path, then on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.video.paths.path import MotionPath
from app.video.summary.evidence import BLURRED, FIRM, UNMARKED, Mark, Thing
from app.video.summary.standing import ahead
from modal_backend.models.detectors.overlap import apart, area_of

PAUSE = 1.0  # seconds between the last mark on one path and the first on the other
NEAR = 0.6  # sizes, from where it would be at its pace
ALIKE = 2.0  # times the other's area


@dataclass(frozen=True, slots=True)
class Stretch:
    """A thing's firm marks, at the detector's boxes; first, last: their places among all its marks."""

    thing: Thing
    path: MotionPath
    marks: list[Mark]
    first: int
    last: int


def joined_over_paths(things: Sequence[Thing]) -> list[Thing]:
    """Things, with those as one whose firm marks go on where another's end, though both paths were there before.

    Only what is firmly marked, and up to BLURRED looks around it, is of the animal: the paths are of what it met.
    """
    out = list(things)
    while pair := _next_pair(out):
        before, after = pair
        out = [thing for thing in out if thing is not before.thing and thing is not after.thing]
        out.append(_as_one(before, after))
    return sorted(out, key=lambda thing: thing.spans[0][0])


def _next_pair(things: Sequence[Thing]) -> tuple[Stretch, Stretch] | None:
    firm = [stretch for thing in things if (stretch := _firm(thing))]
    return next(((a, b) for a in firm for b in firm if a is not b and _hands_over(a, b)), None)


def _firm(thing: Thing) -> Stretch | None:
    least = FIRM * max((mark.confidence for mark in thing.marks), default=0.0)
    firm = {
        at: Mark(mark.index, mark.second, mark.found.box, mark.found)
        for at, mark in enumerate(thing.marks)
        if mark.found and mark.confidence >= least
    }
    if thing.path is None or len(firm) < 2:
        return None
    return Stretch(thing, thing.path, list(firm.values()), min(firm), max(firm))


def _hands_over(before: Stretch, after: Stretch) -> bool:
    """Whether firm marks of the second go on where those of the first end, and no path ends or begins there."""
    end, begin = before.marks[-1], after.marks[0]
    if before.thing.category != after.thing.category or not 0 < begin.second - end.second <= PAUSE:
        return False
    if len(before.thing.marks) - 1 - before.last <= UNMARKED or after.first <= UNMARKED:
        return False
    alike = 1 / ALIKE <= area_of(end.box) / area_of(begin.box) <= ALIKE
    there, back = ahead(before.marks, begin.second), ahead(after.marks[::-1], end.second)
    return alike and apart(there, begin.box) <= NEAR and apart(back, end.box) <= NEAR


def _as_one(before: Stretch, after: Stretch) -> Thing:
    marks = before.thing.marks[max(before.first - BLURRED, 0) : before.last + 1]
    marks += after.thing.marks[after.first : after.last + 1 + BLURRED]
    since, until, change = marks[0].second, marks[-1].second, after.marks[0].second
    pieces = [[step for step in piece if since <= step.second < change] for piece in before.path.pieces]
    pieces += [[step for step in piece if change <= step.second <= until] for piece in after.path.pieces]
    return Thing(marks, [(since, until)], MotionPath([piece for piece in pieces if piece]))
