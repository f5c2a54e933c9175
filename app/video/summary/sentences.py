"""A video in words, computed from its tracklets alone; every sentence names the seconds and frames it rests on."""

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
class VideoCoverage:
    """How much of a video was looked at, and under which conditions.

    Attributes:
        duration: seconds.
        sampled: number and second of each frame the detector looked at.
        night: the frames have no colour (infrared); None where that is not known.
        unsampled: stretches without a sampled frame, first and last second.
        lost: what could not be decoded, as a sentence.
        unsteady: share of the frames in which too much moves.
        shaken: whether the camera shook.
    """

    duration: float
    sampled: tuple[tuple[int, float], ...]
    night: bool | None
    unsampled: tuple[tuple[float, float], ...] = ()
    lost: str = ""
    unsteady: float = 0.0
    shaken: bool = False


def tracklet_name(tracklets: Sequence[Tracklet], tracklet: Tracklet) -> str:
    """The name of a counted tracklet in the sentences: Animal 1, Person 1."""
    same = [other for other in tracklets if other.counted and other.category == tracklet.category]
    return f"{str(tracklet.category).capitalize()} {next(n for n, other in enumerate(same, 1) if other is tracklet)}"


def summarise_in_words(tracklets: Sequence[Tracklet], coverage: VideoCoverage) -> VideoSummary:
    """Sum up a video in words."""
    counted = [tracklet for tracklet in tracklets if tracklet.counted]
    sentences = [_how_many(counted, coverage)]
    sentences += [_course(tracklet_name(counted, tracklet), tracklet, coverage) for tracklet in counted]
    sentences += [_pair(counted, a, b) for a, b in combinations(counted[:4], 2)]
    if coverage.night is not None and coverage.sampled:
        light = (
            "The pictures are without colour: infrared, so night or deep shade."
            if coverage.night
            else "The pictures are in colour: daylight."
        )
        sentences.append(_over_all(light, coverage))
    animals = sum(tracklet.category == Category.ANIMAL for tracklet in counted)
    return VideoSummary(
        animals, animals, tuple(sentences), tuple(_uncertain(tracklets, counted, coverage)), tuple(tracklets)
    )


def _how_many(counted: Sequence[Tracklet], coverage: VideoCoverage) -> Sentence:
    if not counted:
        sampled = len(coverage.sampled)
        return _over_all(
            f"No animal was found on the {sampled} {'frame' if sampled == 1 else 'frames'} looked at.", coverage
        )
    counts = {kind: sum(tracklet.category == kind for tracklet in counted) for kind in Category}
    parts = [f"{count} {kind if count == 1 else PLURALS[kind]}" for kind, count in counts.items() if count]
    text = " and ".join(parts) + f" {'is' if len(counted) == 1 else 'are'} in this video."
    frames = {box.index for tracklet in counted for box in tracklet.boxes}
    first, last = min(tracklet.first_second for tracklet in counted), max(tracklet.last_second for tracklet in counted)
    return Sentence(text, first, last, tuple(sorted(frames)))


def _course(name: str, tracklet: Tracklet, coverage: VideoCoverage) -> Sentence:
    """From where to where, when, moving or resting."""
    at_end = coverage.duration - tracklet.last_second < 1.0
    came = (
        INTO[tracklet.entry]
        if tracklet.entry
        else ("is in view" if tracklet.first_second < 1.0 else "appears inside the frame")
    )
    went = OUT[tracklet.exit] if tracklet.exit else ("is still in view" if at_end else "is last seen inside the frame")
    away = "".join(
        f", is out of view from {timecode(a[1])} to {timecode(b[0])}"
        for a, b in zip(tracklet.spans, tracklet.spans[1:], strict=False)
    )
    how = "moving all the time" if tracklet.moving >= MOVING else "moving and resting by turns"
    if tracklet.moving <= RESTING:
        how = "mostly resting" if tracklet.moving > 0 else "without moving"
    visible = sum(last - first for first, last in tracklet.spans)
    text = (
        f"{name} {came} at {timecode(tracklet.first_second)}{away} and {went} at {timecode(tracklet.last_second)}: "
        f"{visible:.1f} s in view, {how}."
    )
    return Sentence(text, tracklet.first_second, tracklet.last_second, tuple(box.index for box in tracklet.boxes))


def _pair(counted: Sequence[Tracklet], tracklet: Tracklet, other: Tracklet) -> Sentence:
    """Whether two were in view together, and how near."""
    names = f"{tracklet_name(counted, tracklet)} and {tracklet_name(counted, other).lower()}"
    both = [
        (max(a[0], b[0]), min(a[1], b[1]))
        for a in tracklet.spans
        for b in other.spans
        if min(a[1], b[1]) > max(a[0], b[0])
    ]
    mine = {box.index: box for box in tracklet.boxes}
    shared = [(mine[box.index], box) for box in other.boxes if box.index in mine]
    if not both:
        frames = tuple(sorted({box.index for box in (*tracklet.boxes, *other.boxes)}))
        first, last = min(tracklet.first_second, other.first_second), max(tracklet.last_second, other.last_second)
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


def _is_near(box: Box, other: Box) -> bool:
    across = abs(box.x + box.width / 2 - other.x - other.width / 2)
    along = abs(box.y + box.height / 2 - other.y - other.height / 2)
    return across <= NEAR * max(box.width, other.width) and along <= NEAR * max(box.height, other.height)


def _uncertain(tracklets: Sequence[Tracklet], counted: Sequence[Tracklet], coverage: VideoCoverage) -> list[Sentence]:
    """What limits the answer."""
    out = []
    for tracklet in tracklets:
        first, last = tracklet.first_second, tracklet.last_second
        texts = []
        if not tracklet.counted:
            what = "Something that moves" if tracklet.source == Source.MOTION else "Something"
            texts.append(f"{what} from {timecode(first)} to {timecode(last)} is not counted: {tracklet.note}.")
        else:
            name = tracklet_name(counted, tracklet)
            if tracklet.note:
                texts.append(f"{name} {tracklet.note}.")
            if len(tracklet.spans) > 1:
                texts.append(f"{name} left and one like it came back at the same side: taken for the same.")
        frames = tuple(box.index for box in tracklet.boxes)
        out += [Sentence(text, first, last, frames) for text in texts]
    if coverage.unsteady >= 0.3:
        text = f"In {coverage.unsteady:.0%} of the video so much moves (camera or plants) that motion proves little."
        out.append(_over_all(text, coverage))
    elif coverage.shaken:
        out.append(_over_all("The camera shook; its movement was taken out before motion was judged.", coverage))
    if coverage.unsampled:
        longest = max(coverage.unsampled, key=lambda stretch: stretch[1] - stretch[0])
        text = (
            f"The detector looked at {len(coverage.sampled)} frames; its longest pause is "
            f"{longest[1] - longest[0]:.1f} s from {timecode(longest[0])}."
        )
        out.append(_over_all(text, coverage))
    if coverage.lost:
        out.append(_over_all(f"Part of the video is lost: {coverage.lost[0].lower()}{coverage.lost[1:]}", coverage))
    return out


def _over_all(text: str, coverage: VideoCoverage) -> Sentence:
    return Sentence(text, 0.0, round(coverage.duration, 3), tuple(index for index, _ in coverage.sampled))
