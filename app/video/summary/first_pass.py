"""One pass over a clip: every frame decoded once, motion from small grey frames, the frames worth looking at kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.video.motion.motion import RATE, SIDE, Motion
from app.video.reading.decode import Played, Reducer, play
from app.video.reading.sampling import BUDGET, Activity, Sample, Sampler

LOOKED_SIDE = 1024  # pixels of the longer side of a frame that is looked at
TELL_EVERY = 50  # frames


@dataclass(slots=True)
class Watched:
    """What one pass gave. moments: frame number and second of each small frame compared for motion."""

    played: Played
    motion: Motion
    sampler: Sampler
    moments: list[tuple[int, float]]


def watch(path: Path, *, budget: int = BUDGET, tell: Callable[[float], None] | None = None) -> Watched:
    """Decode a clip once. tell(second) is called now and then. Raises ClipError when nothing of it decodes."""
    played, stills = play(path)
    motion, sampler, activity, reducer = Motion(), Sampler(budget), Activity(), Reducer()
    moments: list[tuple[int, float]] = []
    due, moving = -1.0, False
    for still in stills:
        step = played.usual_step
        if still.second >= due - 0.25 * step:
            grey = reducer.grey(still.frame, SIDE, played.turns)
            due = max(due, still.second - 1 / RATE) + 1 / RATE
            moving = activity.take(grey)
            motion.take(still.second, grey)
            moments.append((still.index, still.second))
        if sampler.wants(still.second, moving, step):
            frame = reducer.reduced(still.frame, LOOKED_SIDE)
            sampler.keep(Sample(still.index, still.second, moving, frame))
        if tell is not None and still.index % TELL_EVERY == 0:
            tell(still.second)
    return Watched(played, motion, sampler, moments)
