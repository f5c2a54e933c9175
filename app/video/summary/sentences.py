"""A video in words, computed from its tracklets alone; every sentence names the seconds and frames it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from app.video.summary.counts import count_of
from app.video.summary.coverage import VideoCoverage, about, over_all
from app.video.summary.doubts import doubts
from app.video.timecode import timecode
from modal_backend.contracts import Box, Category, Side, Tracklet
from modal_backend.models.detectors.overlap import middle_of
from modal_backend.models.video.summary import Count, Sentence, VideoSummary

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PLURALS = {Category.ANIMAL: "animals", Category.PERSON: "people", Category.VEHICLE: "vehicles"}
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
STILL, MOVING = 0.35, 0.8  # shares of its time in view
NEAR = 1.2  # of the larger one's width between their middles
DOUBTFUL = 0.8  # chance under which the first sentence says "probably"
DESCRIBED = 8  # tracklets a video that get a sentence each


def tracklet_name(tracklets: Sequence[Tracklet], tracklet: Tracklet) -> str:
    """The name of a counted tracklet in the sentences: Animal 1, Person 1."""
    same = [other for other in tracklets if other.counted and other.category == tracklet.category]
    return f"{str(tracklet.category).capitalize()} {next(n for n, other in enumerate(same, 1) if other is tracklet)}"


def summarise_in_words(tracklets: Sequence[Tracklet], coverage: VideoCoverage) -> VideoSummary:
    """Sum up a video in words."""
    counted = [tracklet for tracklet in tracklets if tracklet.counted]
    counts = {category: count_of(tracklets, [category]) for category in Category}
    sentences = _how_many(counted, counts, coverage)
    sentences += [_course(tracklet_name(counted, tracklet), tracklet, coverage) for tracklet in counted[:DESCRIBED]]
    sentences += [together for a, b in combinations(counted[:4], 2) if (together := _together(counted, a, b))]
    sentences += _only_moving(tracklets)
    if coverage.night is not None and coverage.sampled:
        light = (
            "The pictures are without colour: infrared, so night or deep shade."
            if coverage.night
            else "The pictures are in colour: daylight, or a white flash."
        )
        sentences.append(over_all(light, coverage))
    limits = doubts(tracklets, {id(tracklet): tracklet_name(counted, tracklet) for tracklet in counted}, coverage)
    return VideoSummary(counts[Category.ANIMAL].at_once, counts, tuple(sentences), tuple(limits), tuple(tracklets))


def number(count: int) -> str:
    """A number as a word, up to ten."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def _how_many(counted: Sequence[Tracklet], counts: dict[Category, Count], coverage: VideoCoverage) -> list[Sentence]:
    """The most at once of each category and the range of different ones; doubt comes first."""
    out = []
    carried = ", and the camera itself moves" if coverage.carried else ""
    for category, count in counts.items():
        if count.frame is None or count.second is None:
            continue
        mine = [tracklet for tracklet in counted if tracklet.category == category]
        text = f"{_most(category, count, mine)}, at {timecode(count.second)}{carried}."
        out.append(Sentence(text, count.second, count.second, (count.frame,)))
        if count.high > count.low:
            different = f"{number(count.high)} different {PLURALS[category]}"
            out.append(about(mine, f"{number(count.low).capitalize()} to {different}."))
        carried = ""
    if not counts[Category.ANIMAL].at_once:
        sampled = len(coverage.sampled)
        looked = f"{sampled} {'frame' if sampled == 1 else 'frames'} looked at"
        out.append(over_all(f"No animal was found on the {looked}{carried}.", coverage))
    return out + [
        over_all(_perhaps(category, count.high), coverage)
        for category, count in counts.items()
        if count.high and not count.at_once
    ]


def _perhaps(category: Category, most: int) -> str:
    who = f"{category} is" if most == 1 else f"{PLURALS[category]} are"
    return f"Perhaps {number(most)} {who} there: the detector marks something weakly on several frames."


def _most(category: Category, count: Count, mine: Sequence[Tracklet]) -> str:
    """One animal; one at a time; at most two at once; probably, where the surest of that many is not sure."""
    surest = sorted((tracklet.confidence for tracklet in mine), reverse=True)[: count.at_once]
    doubtful = min(surest, default=0.0) < DOUBTFUL or count.low < count.at_once
    noun = str(category) if count.at_once == 1 else PLURALS[category]
    text = f"{number(count.at_once)} {noun}"
    if count.at_once == 1 and count.high > 1:
        text += " at a time"
    if count.at_once > 1:
        text += " at once"
        return f"Probably {text}" if doubtful else f"At most {text}"
    return f"Probably {text}" if doubtful else f"{text[0].upper()}{text[1:]}"


def _only_moving(tracklets: Sequence[Tracklet]) -> list[Sentence]:
    """What moves and the detector does not mark, a sentence for each part of the frame."""
    places: dict[str, list[Tracklet]] = {}
    for tracklet in tracklets:
        if not tracklet.counted and tracklet.moving > 0:
            places.setdefault(_place(tracklet), []).append(tracklet)
    out = []
    for place, some in places.items():
        first, last = min(tracklet.first_second for tracklet in some), max(tracklet.last_second for tracklet in some)
        text = (
            f"Something moved {place} from {timecode(first)} to {timecode(last)}; "
            "the detector does not take it for an animal."
        )
        out.append(about(some, text))
    return out


def _place(tracklet: Tracklet) -> str:
    """At which third of the frame's width something is most of the time."""
    across = sorted(middle_of(box.box)[0] for box in tracklet.boxes) or [0.5]
    if across[-1] - across[0] > 0.5:
        return "across the frame"
    middle = across[len(across) // 2]
    return "at the left" if middle < 1 / 3 else "at the right" if middle > 2 / 3 else "in the middle"


def _course(name: str, tracklet: Tracklet, coverage: VideoCoverage) -> Sentence:
    """From where to where, when, moving or resting."""
    at_end = coverage.duration - tracklet.last_second < 1.0
    came = (
        INTO[tracklet.entry] if tracklet.entry else ("is in view" if tracklet.first_second < 1.0 else "is first seen")
    )
    went = OUT[tracklet.exit] if tracklet.exit else ("is still in view" if at_end else "is last seen")
    away = "".join(
        f", is out of view from {timecode(a[1])} to {timecode(b[0])}"
        for a, b in zip(tracklet.spans, tracklet.spans[1:], strict=False)
    )
    how = "moving all the time" if tracklet.moving >= MOVING else "moving and still by turns"
    if coverage.carried:
        how = "before a camera that moves"
    elif tracklet.moving <= STILL:
        how = "mostly still" if tracklet.moving > 0 else "without moving"
    visible = sum(last - first for first, last in tracklet.spans)
    text = (
        f"{name} {came} at {timecode(tracklet.first_second)}{away} and {went} at {timecode(tracklet.last_second)}: "
        f"{visible:.1f} s in view, {how}."
    )
    return Sentence(text, tracklet.first_second, tracklet.last_second, tuple(box.index for box in tracklet.boxes))


def _together(counted: Sequence[Tracklet], tracklet: Tracklet, other: Tracklet) -> Sentence | None:
    """How near two are that are in view together; None when they are not."""
    both = [
        (max(a[0], b[0]), min(a[1], b[1]))
        for a in tracklet.spans
        for b in other.spans
        if min(a[1], b[1]) > max(a[0], b[0])
    ]
    mine = {box.index: box for box in tracklet.boxes}
    shared = [(mine[box.index], box) for box in other.boxes if box.index in mine]
    if not both or not shared:
        return None
    names = f"{tracklet_name(counted, tracklet)} and {tracklet_name(counted, other).lower()}"
    near = sum(_is_near(a.box, b.box) for a, b in shared)
    how = "close together" if near >= 0.5 * len(shared) else "apart"
    if 0 < near < 0.5 * len(shared):
        how = "apart for most of the time, close together for a moment"
    text = f"{names} are in view together from {timecode(both[0][0])} to {timecode(both[-1][1])}, {how}."
    return Sentence(text, both[0][0], both[-1][1], tuple(a.index for a, _ in shared))


def _is_near(box: Box, other: Box) -> bool:
    across = abs(box.x + box.width / 2 - other.x - other.width / 2)
    along = abs(box.y + box.height / 2 - other.y - other.height / 2)
    return across <= NEAR * max(box.width, other.width) and along <= NEAR * max(box.height, other.height)
