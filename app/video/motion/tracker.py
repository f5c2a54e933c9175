"""Moving regions to tracks: each is followed from frame to frame, through others that cross its path."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.video.motion.regions import Blob, Region

HOLD_SECONDS = 1.2
HOLD_FRAMES = 3.5
SHARED_SECONDS = 3.0  # how long a track inside another's region makes that one's own place uncertain
FAMILIAR = 3  # steps after which a track's speed is believed
YOUNG_REACH = 0.5  # frame widths a second
REACH = 0.15
KEEP = 0.6
AREA_RATIO = 7.0
OTHER_TONE = 80.0  # grey levels by which what comes out of another's region is not who went in
SPECK = 0.06  # of a region's area: what is smaller is lost in it


@dataclass(slots=True)
class Step(Region):
    """Where a track was at a second: its box in pixels of the small frame.

    Attributes:
        area: moving pixels.
        grey: mean brightness, 0 to 255.
        shared: it was inside a region with another track, so its place is only predicted.
    """

    second: float
    left: float
    top: float
    right: float
    bottom: float
    area: float
    grey: float
    shared: bool = False


@dataclass(slots=True)
class Track:
    """A moving thing.

    Attributes:
        speed: pixels a second, right and down.
        width, height, area: as they usually are, in pixels.
        parent: the track it came out of.
        within: the track whose region it shares.
        seen_at: the second it was last seen, by itself or as the region that others share.
    """

    steps: list[Step] = field(default_factory=list)
    speed: tuple[float, float] = (0.0, 0.0)
    width: float = 0.0
    height: float = 0.0
    area: float = 0.0
    parent: Track | None = None
    within: Track | None = None
    seen_at: float = 0.0

    @property
    def last(self) -> Step:
        """Its latest step."""
        return self.steps[-1]

    def predicted(self, second: float) -> tuple[float, float]:
        """Where its middle should be at a second, x and y in pixels."""
        x, y = self.last.middle
        gap = min(second - self.last.second, 1.0)
        return x + self.speed[0] * gap, y + self.speed[1] * gap

    def add(self, second: float, blob: Blob) -> None:
        """Add what was seen of it at a second."""
        if self.steps:
            gap = max(second - self.last.second, 1e-3)
            (x, y), (was_x, was_y) = blob.middle, self.last.middle
            seen = ((x - was_x) / gap, (y - was_y) / gap)
            old = KEEP if len(self.steps) >= FAMILIAR and not self.last.shared else 0.2
            self.speed = tuple(old * was + (1 - old) * now for was, now in zip(self.speed, seen, strict=True))  # type: ignore[assignment]
        keep = KEEP if self.steps else 0.0
        wide, high = blob.size
        self.width, self.height = keep * self.width + (1 - keep) * wide, keep * self.height + (1 - keep) * high
        self.area = keep * self.area + (1 - keep) * blob.area
        self.steps.append(Step(second, blob.left, blob.top, blob.right, blob.bottom, blob.area, blob.grey))
        self.seen_at = second

    def share(self, second: float, blob: Blob, other: Track) -> None:
        """Add a predicted step: it is somewhere inside this region, together with another track."""
        self.within = other
        x, y = self.predicted(second)
        half_w, half_h = min(self.width, blob.size[0]) / 2, min(self.height, blob.size[1]) / 2
        x = min(max(x, blob.left + half_w), blob.right - half_w)
        y = min(max(y, blob.top + half_h), blob.bottom - half_h)
        step = Step(second, x - half_w, y - half_h, x + half_w, y + half_h, self.area, self.last.grey, shared=True)
        self.steps.append(step)


class Tracker:
    """Takes the regions of frame after frame; `tracks` holds every track, ended or not.

    Args:
        width: of the small frame, in pixels.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.tracks: list[Track] = []
        self._live: list[Track] = []
        self._last: float | None = None

    def add_frame(self, second: float, blobs: Sequence[Blob]) -> None:
        """Take the regions of the next frame."""
        gap = second - self._last if self._last is not None else 0.0
        self._last = second
        hold = max(HOLD_SECONDS, HOLD_FRAMES * gap)
        self._live = [track for track in self._live if second - track.last.second <= hold]
        owner = self._matched(second, blobs)
        taken = {id(track) for track in owner.values()}
        shared = self._shared(second, blobs, owner, taken)
        free = [place for place in range(len(blobs)) if place not in owner]
        parts: dict[int, list[Blob]] = {}
        for place in list(free):
            whole = next((at for at, track in owner.items() if _part_of(blobs[place], track, blobs[at], second)), None)
            if whole is not None:
                parts.setdefault(whole, []).append(blobs[place])
                free.remove(place)
        for place, track in owner.items():
            if place in shared:
                track.share(second, blobs[place], shared[place])
                track.seen_at = second
            else:
                track.add(second, _union([blobs[place], *parts.get(place, [])]))
        for place in free:
            self._begin(second, blobs[place], gap)

    def _matched(self, second: float, blobs: Sequence[Blob]) -> dict[int, Track]:
        """Which track each region continues: pairs in the order of how well they fit."""
        pairs = []
        for place, blob in enumerate(blobs):
            for track in self._live:
                if (cost := self._cost(track, blob, second)) is not None:
                    pairs.append((cost, place, track))
        owner: dict[int, Track] = {}
        used: set[int] = set()
        for _, place, track in sorted(pairs, key=lambda pair: pair[0]):
            if place not in owner and id(track) not in used:
                owner[place] = track
                used.add(id(track))
        return owner

    def _cost(self, track: Track, blob: Blob, second: float) -> float | None:
        """How badly a region continues a track; None when it cannot."""
        gap = second - track.last.second
        x, y = track.predicted(second)
        bx, by = blob.middle
        away = min(math.hypot(bx - x, by - y), 1.3 * math.dist(blob.middle, track.last.middle))
        size = max(track.width, track.height, *blob.size)
        pace = math.hypot(*track.speed)
        young = len(track.steps) < FAMILIAR
        reach = (YOUNG_REACH if young else REACH) * self.width + 0.5 * pace
        gate = 0.7 * size + reach * min(gap, 1.5)
        ratio = max(blob.area, 1.0) / max(track.area, 1.0)
        differs = track.last.shared and abs(blob.grey - track.last.grey) > OTHER_TONE
        if differs or away > gate or not 1 / AREA_RATIO <= ratio <= AREA_RATIO:
            return None
        return (
            away / gate
            + 0.25 * abs(math.log(ratio))
            + abs(blob.grey - track.last.grey) / 150
            - (0.1 * min(len(track.steps), 10) / 10)
        )

    def _shared(
        self, second: float, blobs: Sequence[Blob], owner: dict[int, Track], taken: set[int]
    ) -> dict[int, Track]:
        """Tracks without a region of their own that are inside another's share it; returns those regions and tracks."""
        shared: dict[int, Track] = {}
        for track in self._live:
            if id(track) in taken or len(track.steps) < FAMILIAR:
                continue
            x, y = track.predicted(second)
            for place, blob in enumerate(blobs):
                slack = 0.15 * max(blob.size)
                inside = blob.left - slack <= x <= blob.right + slack and blob.top - slack <= y <= blob.bottom + slack
                if inside and place in owner and blob.area >= 0.5 * track.area and track.area >= SPECK * blob.area:
                    other = owner[place]
                    track.share(second, blob, other)
                    lately = second - track.seen_at <= SHARED_SECONDS
                    if lately and len(other.steps) >= FAMILIAR and blob.area > 1.2 * other.area:
                        shared[place] = track
                    break
        return shared

    def _begin(self, second: float, blob: Blob, gap: float) -> None:
        track = Track()
        track.add(second, blob)
        near = 0.3 * max(blob.size) + 2
        for other in self._live:
            last = other.last
            close = second - last.second <= 2.5 * gap and len(other.steps) >= FAMILIAR
            if close and last.aside(blob) <= near:
                track.parent = other
                break
        self.tracks.append(track)
        self._live.append(track)


def _part_of(blob: Blob, track: Track, whole: Blob, second: float) -> bool:
    """Whether a region is a piece of a track that another region continues."""
    x, y = track.predicted(second)
    left, right = min(x - track.width / 2, whole.left), max(x + track.width / 2, whole.right)
    top, bottom = min(y - track.height / 2, whole.top), max(y + track.height / 2, whole.bottom)
    if right - left > 1.6 * max(track.width, whole.size[0]) or bottom - top > 1.6 * max(track.height, whole.size[1]):
        return False
    wide = min(right, blob.right) - max(left, blob.left)
    high = min(bottom, blob.bottom) - max(top, blob.top)
    size = max(blob.size[0] * blob.size[1], 1.0)
    return wide > 0 and high > 0 and wide * high >= 0.5 * size and blob.area < track.area


def _union(blobs: list[Blob]) -> Blob:
    if len(blobs) == 1:
        return blobs[0]
    area = sum(blob.area for blob in blobs)
    return Blob(
        min(blob.left for blob in blobs),
        min(blob.top for blob in blobs),
        max(blob.right for blob in blobs),
        max(blob.bottom for blob in blobs),
        area,
        sum(blob.grey * blob.area for blob in blobs) / area,
    )
