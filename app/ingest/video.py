"""The first look at a video: whether it opens, what its container states, and a frame to show for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.ingest.refusals import Refusal, Refused
from modal_backend.contracts import Picture

if TYPE_CHECKING:
    from app.video.reading.probe import VideoFacts

PICTURE_SIDE = 1024
TRIED = 40  # frames from the beginning; the first ones of many cameras are dark
DARK = 24.0
SMALLEST_SIDE = 16  # pixels; nobody could tell an animal on less


@dataclass(frozen=True, slots=True)
class VideoReading:
    """What the first look at a video gave.

    Attributes:
        width, height: pixels after rotation.
        picture: RGB uint8, upright, its longer side at most 1024.
    """

    picture: Picture
    width: int
    height: int
    facts: VideoFacts


def read_video(path: Path, *, pixels: int) -> VideoReading:
    """Decode the beginning of a video up to a frame that is not dark.

    Raises:
        Refused: VIDEO_DAMAGED, VIDEO_WITHOUT_PICTURES, DECOMPRESSION_BOMB (frames of more than `pixels`).
    """
    from app.video.reading.decode import Reducer, play, upright
    from app.video.reading.probe import NoVideoTrack, VideoError

    best: tuple[float, Picture] | None = None
    try:
        played, stills = play(path)
        if played.facts.width * played.facts.height > pixels:
            raise Refused(Refusal.DECOMPRESSION_BOMB, f"{played.facts.width} x {played.facts.height} pixels")
        reducer = Reducer()
        for still in stills:
            picture = upright(reducer.reduced(still.frame, PICTURE_SIDE), played.turns)
            light = float(np.mean(picture[::8, ::8]))
            if best is None or light > best[0] * 1.2:
                best = (light, picture)
            if light >= DARK or still.index >= TRIED:
                break
        stills.close()  # type: ignore[attr-defined]
    except NoVideoTrack as error:
        raise Refused(Refusal.VIDEO_WITHOUT_PICTURES, str(error)) from error
    except VideoError as error:
        raise Refused(Refusal.VIDEO_DAMAGED, str(error)) from error
    except MemoryError as error:
        raise Refused(Refusal.DECOMPRESSION_BOMB, "not enough memory") from error
    if best is None:
        raise Refused(Refusal.VIDEO_DAMAGED, "no frame of it can be decoded")
    if min(played.width, played.height) < SMALLEST_SIDE:
        raise Refused(Refusal.VIDEO_WITHOUT_PICTURES, f"its frames are {played.width} x {played.height} pixels")
    return VideoReading(best[1], played.width, played.height, played.facts)
