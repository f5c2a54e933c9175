"""One pass over a video: every frame decoded once, motion from small grey frames, the frames worth looking at kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.video.motion.camera import CameraMotion
from app.video.motion.motion import RATE, SIDE, Motion
from app.video.reading.decode import Playback, Reducer, play
from app.video.reading.sampling import Activity, Sample, Sampler

LOOKED_SIDE = 1280  # pixels of the longer side of a frame that is looked at
PROGRESS_EVERY = 50  # frames


@dataclass(slots=True)
class FirstPass:
    """What one pass gave; `moments` holds number and second of each frame compared for motion."""

    played: Playback
    motion: Motion
    camera: CameraMotion
    sampler: Sampler
    moments: list[tuple[int, float]]


def first_pass(file: Path, on_progress: Callable[[float], None] = lambda _second: None) -> FirstPass:
    """Decode a video once.

    Args:
        on_progress: called now and then with the second that has been reached.

    Raises:
        VideoError: nothing of it decodes.
    """
    played, stills = play(file)
    motion, camera, sampler = Motion(), CameraMotion(), Sampler()
    activity, reducer = Activity(), Reducer()
    moments: list[tuple[int, float]] = []
    due, moving = -1.0, False
    for still in stills:
        step = played.usual_step
        if still.second >= due - 0.25 * step:
            grey = reducer.grey(still.frame, SIDE, played.turns)
            due = max(due, still.second - 1 / RATE) + 1 / RATE
            moving = activity.take(grey)
            moving = camera.take(still.second, grey) > 0 or moving
            motion.take(still.second, grey)
            moments.append((still.index, still.second))
        if sampler.wants(still.second, moving, step):
            frame = reducer.reduced(still.frame, LOOKED_SIDE)
            sampler.keep(Sample(still.index, still.second, moving, frame))
        if still.index % PROGRESS_EVERY == 0:
            on_progress(still.second)
    return FirstPass(played, motion, camera, sampler, moments)
