"""Motion and the detector put together: an animal is what the detector marks on several frames.

Motion proposes where to look and links what was found; by itself it adds nothing. What only moves is a tracklet that
does not count, "moving, unidentified".
"""

from __future__ import annotations

from collections.abc import Sequence

from app.video.motion.camera import Shift
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.paths.paths import moving_share
from app.video.reading.sampling import unsampled_stretches
from app.video.summary import standing
from app.video.summary.evidence import Looked, Mark, Thing, sides_of, things_of, trimmed
from app.video.summary.handovers import joined_over_paths
from app.video.summary.pooling import FEWEST_MARKS, Watch, chance, counts, stays, walks_on
from modal_backend.contracts import Box, Category, Detection, FrameBox, Side, Source, Tracklet
from modal_backend.models.detectors.overlap import overlap
from modal_backend.models.detectors.prepare import threshold
from modal_backend.registry import DETECTOR

SURE = threshold(DETECTOR)  # the pocket detector's, where no other is named
MOST_UNIDENTIFIED = 5
SAME_PLACE = 0.3  # overlap of the detector's box and the motion's
WITH_ARTICLE = {Category.ANIMAL: "an animal", Category.PERSON: "a person", Category.VEHICLE: "a vehicle"}


def tracklets_of(
    paths: Sequence[MotionPath],
    frame: Frame,
    looked: Looked,
    busy: float,
    sure: float = SURE,
    camera: Shift | None = None,
) -> list[Tracklet]:
    """Tracklets in the order of appearance.

    Args:
        paths: what moves, as motion alone shows it; none where the camera moves.
        frame: the small frame of the paths.
        looked: frame number -> second and the detector's boxes.
        busy: share of the frames in which too much moves for motion to prove anything.
        sure: confidence from which the detector's boxes count.
        camera: how far the picture of a camera that moves shifted; None where the camera stands.
    """
    watch = Watch(frame, tuple(sorted(second for second, _ in looked.values())), busy, sure, camera)
    moving, still = things_in_view(paths, looked, watch)
    counted = [thing for thing in moving if counts(trimmed(thing, frame, sure), watch)]
    weak = [thing for thing in moving if not any(thing is other for other in counted)]
    counted, freed = standing.join(counted, standing.link(_held(weak, sure), set(), counted, sure), watch)
    found = [_moving(trimmed(thing, frame, sure), watch) for thing in counted + weak]
    found += [_still(thing, watch) for thing in freed if counts(thing, watch)]
    found += [_still(thing, watch) for thing in still if len(thing.marks) >= min(FEWEST_MARKS, len(looked))]
    return sorted(_few(found), key=lambda tracklet: (tracklet.first_second, tracklet.last_second))


def things_in_view(paths: Sequence[MotionPath], looked: Looked, watch: Watch) -> tuple[list[Thing], list[Thing]]:
    """What moves, and what the detector marks where nothing moves."""
    moving, used = things_of(paths, watch.frame, looked, standing.scenery_in(looked))
    sure_things = [thing for thing in moving if counts(thing, watch)]
    moving, still = standing.join(moving, standing.link(looked, used, sure_things, watch.sure, watch.camera), watch)
    return joined_over_paths(moving), still


def _few(tracklets: list[Tracklet]) -> list[Tracklet]:
    """Those that count, and of the others the few likeliest and longest: rain and plants are hundreds of things."""
    counted = [tracklet for tracklet in tracklets if tracklet.counted]
    others = sorted(
        (tracklet for tracklet in tracklets if not tracklet.counted),
        key=lambda tracklet: (-tracklet.confidence, -len(tracklet.boxes)),
    )
    return counted + others[:MOST_UNIDENTIFIED]


def _held(weak: Sequence[Thing], sure: float) -> dict[int, tuple[float, list[Detection]]]:
    """The sure boxes, by frame, of things that do not count: ground an animal uncovered moves, and holds later ones."""
    held: dict[int, tuple[float, list[Detection]]] = {}
    for mark in (mark for thing in weak for mark in thing.marks):
        if mark.found and mark.confidence >= sure:
            held.setdefault(mark.index, (mark.second, []))[1].append(mark.found)
    return held


def _moving(thing: Thing, watch: Watch) -> Tracklet:
    assert thing.path is not None
    counted = counts(thing, watch)
    entry, leaves = _seen_sides(thing, watch)
    best = max((mark.confidence for mark in thing.marks), default=0.0)
    name = WITH_ARTICLE[thing.category]
    note = f"the detector does not take it for {name} (best confidence {best:.2f})"
    weak = thing.support < watch.sure
    if counted:
        note = "" if not weak else "is marked weakly or seldom; that it moves speaks for it"
    shown = thing.known if counted and not (weak and walks_on(thing, watch)) else thing.marks
    return Tracklet(
        category=thing.category,
        confidence=round(chance(thing, watch), 3),
        source=Source.BOTH if counted else Source.MOTION,
        spans=tuple(thing.spans),
        boxes=tuple(
            FrameBox(mark.index, mark.second, _shown_box(mark, watch.sure), mark.confidence if mark.found else None)
            for mark in shown
        ),
        entry=Side(entry) if entry else None,
        exit=Side(leaves) if leaves else None,
        moving=round(moving_share(thing.path, watch.frame), 2),
        counted=counted,
        note=note,
    )


def _shown_box(mark: Mark, sure: float) -> Box:
    """The detector's box where it is sure of it and it lies where the motion is, else the motion's."""
    if mark.found and mark.confidence >= sure and overlap(mark.box, mark.found.box) >= SAME_PLACE:
        return mark.found.box
    return mark.box


def _seen_sides(thing: Thing, watch: Watch) -> tuple[str | None, str | None]:
    """The borders it was seen to cross: its path begins or ends there, and the looks around that are near."""
    assert thing.path is not None
    frame = watch.frame
    entry, leaves = sides_of(thing.path, frame)
    begins, ends = thing.spans[0][0], thing.spans[-1][1]
    cut = begins > thing.path.spans[0][0] + frame.step, ends < thing.path.spans[-1][1] - frame.step
    pauses = unsampled_stretches(list(watch.seconds), frame.last)
    unseen = [any(first < second < last for first, last in pauses) for second in (begins, ends)]
    return (None if cut[0] or unseen[0] else entry, None if cut[1] or unseen[1] else leaves)


def _still(thing: Thing, watch: Watch) -> Tracklet:
    first, last = thing.spans[0]
    between = sum(first <= second <= last for second in watch.seconds)
    note = f"is marked by the detector on {len(thing.marks)} of {between} frames, but nothing moves there"
    return Tracklet(
        category=thing.category,
        confidence=round(chance(thing, watch), 3),
        source=Source.DETECTOR,
        spans=tuple(thing.spans),
        boxes=tuple(FrameBox(mark.index, mark.second, mark.box, mark.confidence) for mark in thing.marks),
        entry=None,
        exit=None,
        moving=0.0,
        counted=counts(thing, watch),
        note=note if stays(thing, watch.camera) else "",
    )
