"""A clip in words, computed from its tracklets alone; every sentence names the seconds and frames it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from app.video.timecode import timecode
from modal_backend.contracts import Box, Category, Sentence, Side, Source, Tracklet, VideoSummary

PLURALS = {Category.ANIMAL: "animals", Category.PERSON: "persons", Category.VEHICLE: "vehicles"}
INTO = {
    Side.LEFT: "comes in from the left",
    Side.RIGHT: "comes in from the right",
    Side.TOP: "comes in from above",
    Side.BOTTOM: "comes in from below",
}
OUT = {
    Side.LEFT: "leaves to the left",
    Side.RIGHT: "leaves to the right",
    Side.TOP: "leaves at the top",
    Side.BOTTOM: "leaves at the bottom",
}
RESTING = 0.35
MOVING = 0.8
NEAR = 1.2  # of the larger one's width between their middles


@dataclass(frozen=True, slots=True)
class Seen:
    """What the words need to know of a clip besides its tracklets.

    duration: seconds. looked: (number, second) of each frame looked at. night: the pictures have no colour (infrared);
    None where that cannot be told. unlooked: stretches without a look, seconds. lost: what could not be decoded.
    unsteady: share of the frames in which too much moves. shaken: whether the camera shook.
    """

    duration: float
    looked: tuple[tuple[int, float], ...]
    night: bool | None
    unlooked: tuple[tuple[float, float], ...] = ()
    lost: str = ""
    unsteady: float = 0.0
    shaken: bool = False


def name_of(tracklets: Sequence[Tracklet], one: Tracklet) -> str:
    """What the sentences call a counted tracklet: Animal 1, Person 1."""
    same = [other for other in tracklets if other.counted and other.category == one.category]
    return f"{str(one.category).capitalize()} {next(n for n, other in enumerate(same, 1) if other is one)}"


def summary_of(tracklets: Sequence[Tracklet], seen: Seen) -> VideoSummary:
    """The clip in words."""
    counted = [one for one in tracklets if one.counted]
    sentences = [_how_many(counted, seen)]
    sentences += [_course(name_of(counted, one), one, seen) for one in counted]
    sentences += [_pair(counted, a, b) for a, b in combinations(counted[:4], 2)]
    if seen.night is not None and seen.looked:
        light = (
            "The pictures are without colour: infrared, so night or deep shade."
            if seen.night
            else "The pictures are in colour: daylight."
        )
        sentences.append(_over_all(light, seen))
    animals = sum(one.category == Category.ANIMAL for one in counted)
    return VideoSummary(
        animals, animals, tuple(sentences), tuple(_uncertain(tracklets, counted, seen)), tuple(tracklets)
    )


def _how_many(counted: Sequence[Tracklet], seen: Seen) -> Sentence:
    if not counted:
        looked = len(seen.looked)
        return _over_all(f"No animal was found on the {looked} {'frame' if looked == 1 else 'frames'} looked at.", seen)
    counts = {kind: sum(one.category == kind for one in counted) for kind in Category}
    parts = [f"{count} {kind if count == 1 else PLURALS[kind]}" for kind, count in counts.items() if count]
    text = " and ".join(parts) + f" {'is' if len(counted) == 1 else 'are'} in this clip."
    frames = {box.index for one in counted for box in one.boxes}
    first, last = min(one.first_second for one in counted), max(one.last_second for one in counted)
    return Sentence(text, first, last, tuple(sorted(frames)))


def _course(name: str, one: Tracklet, seen: Seen) -> Sentence:
    """From where to where, when, moving or resting."""
    at_end = seen.duration - one.last_second < 1.0
    came = INTO[one.entry] if one.entry else ("is in view" if one.first_second < 1.0 else "appears inside the frame")
    went = OUT[one.exit] if one.exit else ("is still in view" if at_end else "is last seen inside the frame")
    away = "".join(
        f", is out of view from {timecode(a[1])} to {timecode(b[0])}"
        for a, b in zip(one.spans, one.spans[1:], strict=False)
    )
    how = "moving all the time" if one.moving >= MOVING else "moving and resting by turns"
    if one.moving <= RESTING:
        how = "mostly resting" if one.moving > 0 else "without moving"
    visible = sum(last - first for first, last in one.spans)
    text = (
        f"{name} {came} at {timecode(one.first_second)}{away} and {went} at {timecode(one.last_second)}: "
        f"{visible:.1f} s in view, {how}."
    )
    return Sentence(text, one.first_second, one.last_second, tuple(box.index for box in one.boxes))


def _pair(counted: Sequence[Tracklet], one: Tracklet, other: Tracklet) -> Sentence:
    """Whether two were in view together, and how near."""
    names = f"{name_of(counted, one)} and {name_of(counted, other).lower()}"
    both = [
        (max(a[0], b[0]), min(a[1], b[1])) for a in one.spans for b in other.spans if min(a[1], b[1]) > max(a[0], b[0])
    ]
    mine = {box.index: box for box in one.boxes}
    shared = [(mine[box.index], box) for box in other.boxes if box.index in mine]
    if not both:
        frames = tuple(sorted({box.index for box in (*one.boxes, *other.boxes)}))
        first, last = min(one.first_second, other.first_second), max(one.last_second, other.last_second)
        return Sentence(f"{names} are never in view at the same time.", first, last, frames)
    first, last = both[0][0], both[-1][1]
    near = sum(_is_near(a.box, b.box) for a, b in shared)
    how = "close together" if shared and near >= 0.5 * len(shared) else "apart"
    if shared and 0 < near < 0.5 * len(shared):
        how = "apart for most of the time, close together for a moment"
    frames = tuple(a.index for a, _ in shared) or tuple(sorted(mine))
    return Sentence(
        f"{names} are in view together from {timecode(first)} to {timecode(last)}, {how}.", first, last, frames
    )


def _is_near(one: Box, other: Box) -> bool:
    across = abs(one.x + one.width / 2 - other.x - other.width / 2)
    along = abs(one.y + one.height / 2 - other.y - other.height / 2)
    return across <= NEAR * max(one.width, other.width) and along <= NEAR * max(one.height, other.height)


def _uncertain(tracklets: Sequence[Tracklet], counted: Sequence[Tracklet], seen: Seen) -> list[Sentence]:
    """What limits the answer."""
    out = []
    for one in tracklets:
        frames = tuple(box.index for box in one.boxes)
        if one.counted and one.note:
            out.append(Sentence(f"{name_of(counted, one)} {one.note}.", one.first_second, one.last_second, frames))
        elif not one.counted:
            what = "Something that moves" if one.source == Source.MOTION else "Something"
            text = (
                f"{what} from {timecode(one.first_second)} to {timecode(one.last_second)} is not counted: {one.note}."
            )
            out.append(Sentence(text, one.first_second, one.last_second, frames))
        if one.counted and len(one.spans) > 1:
            text = f"{name_of(counted, one)} left and one like it came back at the same side: taken for the same."
            out.append(Sentence(text, one.first_second, one.last_second, frames))
    if seen.unsteady >= 0.3:
        text = f"In {seen.unsteady:.0%} of the clip so much moves (camera or plants) that motion proves little."
        out.append(_over_all(text, seen))
    elif seen.shaken:
        out.append(_over_all("The camera shook; its movement was taken out before motion was judged.", seen))
    if seen.unlooked:
        longest = max(seen.unlooked, key=lambda stretch: stretch[1] - stretch[0])
        text = (
            f"The detector looked at {len(seen.looked)} frames; its longest pause is "
            f"{longest[1] - longest[0]:.1f} s from {timecode(longest[0])}."
        )
        out.append(_over_all(text, seen))
    if seen.lost:
        out.append(_over_all(f"Part of the clip is lost: {seen.lost[0].lower()}{seen.lost[1:]}", seen))
    return out


def _over_all(text: str, seen: Seen) -> Sentence:
    return Sentence(text, 0.0, round(seen.duration, 3), tuple(index for index, _ in seen.looked))
