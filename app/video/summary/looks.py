"""The frames the detector looks at: those sampled, one for each path that none of them shows, and parts enlarged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.reading.decode import frames_at, upright
from app.video.summary.evidence import Doubted
from app.video.summary.first_pass import FirstPass
from modal_backend.contracts import Box, Detection, Failure, Picture
from modal_backend.models.detectors.overlap import area_of, clipped, overlap, shared_area

BATCH = 8
ENLARGED = 40  # parts of frames a video, at most
ENLARGED_A_PATH = 10
CLEAR = 0.7  # a path's box that the whole frame shows this surely is not enlarged
AROUND = 2.2  # side of an enlarged part, in sides of the box
LEAST_SIDE = 0.16  # of the frame's longer side
MOST_SIDE = 0.7  # a part larger than this shows no more than the frame
SAME = 0.5
FAINT = 0.03  # confidence from which the whole frame shows something
# Odds that what an enlarged part shows lives, against those of its confidence, where the whole frame shows nothing. In
# 72 videos of real stills 24 of 54 such boxes of .3 to .7 were right, and 50 of 51 where the frame shows them too.
UNCONFIRMED = 0.22
CUT = 0.01  # of the part's side: a box this near to a border inside the frame is cut off

Detect = Callable[[Sequence[Picture]], Sequence["list[Detection] | Failure"]]


class DetectorFailed(Exception):
    """The detector answered for no frame of the video; the text says why."""


@dataclass(slots=True)
class SampledFrame:
    """A frame the detector looked at: its number, second, upright picture (RGB, reduced) and the boxes, best first.

    enlarged: the parts of it that were looked at enlarged.
    """

    index: int
    second: float
    picture: Picture
    found: list[Detection]
    enlarged: list[Box] = field(default_factory=list)


def sampled_frames(
    file: Path,
    first: FirstPass,
    paths: Sequence[MotionPath],
    shown_frame: tuple[int, float] | None,
    detect: Detect,
    on_share: Callable[[float], None],
) -> list[SampledFrame]:
    """Ask the detector about whole frames.

    Args:
        shown_frame: see `summarise_video`.
        on_share: called with the share of the frames that is done.

    Raises:
        DetectorFailed: it answered for none of them.
    """

    def shown(second: float) -> bool:
        return any(first <= second <= last for path in paths for first, last in path.spans)

    samples = first.sampler.choose(shown)
    asked = [(sample.index, sample.second, upright(sample.frame, first.played.turns)) for sample in samples]
    asked += _missing(file, first, paths, [sample.second for sample in samples])
    if shown_frame is not None and shown_frame[0] not in {index for index, _, _ in asked}:
        asked += [(shown_frame[0], second, picture) for second, picture in frames_at(file, [shown_frame[1]]).items()]
    sampled, reasons = [], []
    answers = _asked(detect, [picture for _, _, picture in asked], on_share)
    for (index, second, picture), found in zip(asked, answers, strict=True):
        if isinstance(found, Failure):
            reasons.append(found.reason)
        else:
            sampled.append(SampledFrame(index, second, picture, _joined(found)))
    if not sampled:
        raise DetectorFailed(
            f"The detector answered for no frame of this video: {reasons[0] if reasons else 'no frames'}"
        )
    return sorted(sampled, key=lambda sample: sample.index)


def look_closer(
    sampled: Sequence[SampledFrame],
    paths: Sequence[MotionPath],
    frame: Frame,
    detect: Detect,
    on_share: Callable[[float], None],
) -> None:
    """Ask the detector about enlarged parts of these frames where something moves that the whole frame shows badly.

    At most ENLARGED parts; what is found joins the boxes of its frame.
    """
    parts = _parts(sampled, paths, frame)
    whole = {sample.index: sample.found for sample in sampled}
    answers = _asked(detect, [_cut(sample.picture, part) for sample, part in parts], on_share)
    for (sample, part), found in zip(parts, answers, strict=True):
        if not isinstance(found, Failure):
            placed = [_doubted(detection, whole[sample.index]) for detection in _placed(found, part)]
            sample.found = _joined([*sample.found, *placed])


def _asked(
    detect: Detect, pictures: Sequence[Picture], on_share: Callable[[float], None]
) -> Iterator[list[Detection] | Failure]:
    for start in range(0, len(pictures), BATCH):
        yield from detect(pictures[start : start + BATCH])
        on_share(min(1.0, (start + BATCH) / len(pictures)))


def _missing(
    file: Path, first: FirstPass, paths: Sequence[MotionPath], seconds: Sequence[float]
) -> list[tuple[int, float, Picture]]:
    """A frame in the middle of each path that no sample shows."""
    wanted: dict[float, int] = {}
    for path in paths:
        if not any(first <= second <= last for first, last in path.spans for second in seconds):
            middle = path.steps[len(path.steps) // 2].second
            index, second = min(first.moments, key=lambda moment: abs(moment[1] - middle))
            wanted[second] = index
    return [(wanted[second], second, picture) for second, picture in frames_at(file, wanted).items()]


def _parts(
    sampled: Sequence[SampledFrame], paths: Sequence[MotionPath], frame: Frame
) -> list[tuple[SampledFrame, Box]]:
    """What is enlarged, path by path in turns, so that many paths do not starve one another."""
    wanted: list[list[tuple[SampledFrame, Box]]] = []
    for path in sorted(paths, key=lambda path: -len(path.steps)):
        unclear = [
            (sample, box)
            for sample in sampled
            if (box := path.box_at(sample.second, frame)) is not None and not _is_clear(box, sample)
        ]
        few = np.unique(np.linspace(0, len(unclear) - 1, min(len(unclear), ENLARGED_A_PATH)).round().astype(int))
        wanted.append([unclear[place] for place in few] if unclear else [])
    parts: list[tuple[SampledFrame, Box]] = []
    for turn in range(ENLARGED_A_PATH):
        for few_of_path in wanted:
            if turn < len(few_of_path) and len(parts) < ENLARGED:
                sample, box = few_of_path[turn]
                part = _part_around(box, sample.picture)
                if part is not None and not any(
                    shared_area(box, other) >= 0.95 * area_of(box) for other in sample.enlarged
                ):
                    sample.enlarged.append(part)
                    parts.append((sample, part))
    return parts


def _is_clear(box: Box, sample: SampledFrame) -> bool:
    return any(found.confidence >= CLEAR and shared_area(found.box, box) > 0.3 * area_of(box) for found in sample.found)


def _part_around(box: Box, picture: Picture) -> Box | None:
    """A square part of the frame with the box in its middle, in shares of the frame; None when it is most of it."""
    high, wide = picture.shape[:2]
    side = max(AROUND * max(box.width * wide, box.height * high), LEAST_SIDE * max(high, wide))
    if side > MOST_SIDE * max(high, wide):
        return None
    across, along = min(side, wide) / wide, min(side, high) / high
    x = min(max(box.x + box.width / 2 - across / 2, 0.0), 1 - across)
    y = min(max(box.y + box.height / 2 - along / 2, 0.0), 1 - along)
    return Box(x, y, across, along)


def _cut(picture: Picture, part: Box) -> Picture:
    left, top, right, bottom = part.pixels(picture.shape[1], picture.shape[0])
    return np.ascontiguousarray(picture[top:bottom, left:right])


def _placed(found: Sequence[Detection], part: Box) -> list[Detection]:
    """The boxes of an enlarged part in shares of the frame, without those that its border cuts off."""
    out = []
    for detection in found:
        box = detection.box
        ends = ((box.x, part.x), (box.y, part.y))
        others = ((1 - box.x - box.width, 1 - part.x - part.width), (1 - box.y - box.height, 1 - part.y - part.height))
        if any(inside < CUT and outside > 0.005 for inside, outside in (*ends, *others)):
            continue
        placed = Box(
            part.x + box.x * part.width, part.y + box.y * part.height, box.width * part.width, box.height * part.height
        )
        out.append(Detection(detection.category, detection.confidence, clipped(placed)))
    return out


def _doubted(found: Detection, whole: Sequence[Detection]) -> Detection:
    """A box of an enlarged part, believed less where the whole frame shows nothing: water and bark look alive there."""
    if any(other.confidence >= FAINT and overlap(found.box, other.box) >= SAME for other in whole):
        return found
    odds = found.confidence / max(1.0 - found.confidence, 1e-6) * UNCONFIRMED
    return Doubted(found.category, found.confidence, found.box, believed=odds / (1.0 + odds))


def _joined(found: Sequence[Detection]) -> list[Detection]:
    """The boxes best first, each thing once, as what it is most surely taken for."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda candidate: -candidate.confidence):
        if not any(overlap(detection.box, other.box) >= SAME for other in kept):
            kept.append(detection)
    return kept
