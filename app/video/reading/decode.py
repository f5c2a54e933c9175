"""A video's frames one after the other, whatever is broken in between, and how much was lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from app.video.reading.probe import VideoError, VideoFacts, error_text, open_video, read_facts
from modal_backend.contracts import Picture

MOST_ERRORS = 10_000
USUAL_RATE = 25.0
SLACK_SECONDS = 0.5
SAME_MOMENT = 0.002
LATE_BEGIN = 0.5
LONGEST_GAP = 3600.0  # seconds between two frames; beyond it a damaged time stamp is counted on from the one before
WORTH_A_JUMP = 3.0


@dataclass(slots=True)
class Playback:
    """What decoding a video has given so far.

    Attributes:
        facts: what the container states.
        frames: how many were decoded.
        errors: packets that could not be decoded.
        corrupt: frames that decoded with damage.
        broken: why reading ended early, "" otherwise.
        first: seconds missing before the first frame that could be decoded.
        last: second of the last frame.
        width, height: pixels after rotation.
        turns: quarter turns to the left that set a frame upright.
    """

    facts: VideoFacts
    frames: int = 0
    errors: int = 0
    corrupt: int = 0
    broken: str = ""
    first: float = 0.0
    last: float = 0.0
    width: int = 0
    height: int = 0
    turns: int = 0
    _steps: list[float] = field(default_factory=list)

    @property
    def decoded_seconds(self) -> float:
        """Seconds of picture that could be decoded, up to the end of the last frame."""
        return self.last + self.usual_step if self.frames else 0.0

    @property
    def usual_step(self) -> float:
        """Seconds between frames: the stated rate where it is believable, else the median of the video's beginning."""
        measured = float(np.median(self._steps)) if self._steps else 0.0
        stated = 1.0 / self.facts.frame_rate if self.facts.frame_rate else 0.0
        if measured and not (stated and 0.5 <= stated / measured <= 2.0):
            return measured
        return stated or measured or 1.0 / USUAL_RATE

    @property
    def damaged(self) -> bool:
        """Whether something of the video could not be read."""
        return bool(self.errors or self.broken or self.corrupt or self.first or self._missing_tail() > 0)

    @property
    def duration(self) -> float:
        """Seconds the video lasts: as decoded, or as stated where the end is lost."""
        stated = self._stated()
        if stated is None:
            return self.decoded_seconds
        near = abs(stated - self.decoded_seconds) <= max(SLACK_SECONDS, 2 * self.usual_step, 0.02 * stated)
        return stated if near or (stated > self.decoded_seconds and self.damaged) else self.decoded_seconds

    def loss(self) -> str:
        """What was lost, as one sentence; "" when nothing was."""
        parts = []
        if self.first > 0:
            parts.append(f"the first {self.first:.1f} s are missing")
        if (tail := self._missing_tail()) > 0:
            parts.append(f"the last {tail:.1f} of {self._stated() or 0.0:.1f} s are missing")
        if self.errors:
            parts.append(f"{self.errors} {'packet' if self.errors == 1 else 'packets'} could not be decoded")
        if self.corrupt:
            parts.append(f"{self.corrupt} {'frame is' if self.corrupt == 1 else 'frames are'} damaged")
        if self.broken and not parts:
            parts.append(f"reading broke off after {self.decoded_seconds:.1f} s ({self.broken})")
        if parts and "avi" in self.facts.container:
            parts.append("times after the damage may be early")
        return f"{parts[0][0].upper()}{'; '.join(parts)[1:]}." if parts else ""

    def _stated(self) -> float | None:
        """Seconds the container states, or its count of frames comes to, whichever is more."""
        counted = self.facts.frames / self.facts.frame_rate if self.facts.frames and self.facts.frame_rate else 0.0
        return max(self.facts.duration or 0.0, counted) or None

    def _missing_tail(self) -> float:
        """Seconds the container states that never came."""
        stated, counted = self._stated(), self.facts.frames
        if stated is None or (counted and self.frames >= counted and not self.errors):
            return 0.0
        missing = stated - self.decoded_seconds
        slack = SLACK_SECONDS if counted else max(1.0, 0.05 * stated)
        return missing if missing > max(slack, 2.5 * self.usual_step) else 0.0


@dataclass(slots=True)
class Still:
    """One decoded frame: its number in decoding order, from 0, and its second from the video's beginning."""

    index: int
    second: float
    frame: VideoFrame


def play(path: Path) -> tuple[Playback, Iterator[Still]]:
    """Decode a video frame by frame.

    Returns:
        The record of the playback, which fills while the frames are taken, and the frames.

    Raises:
        VideoError: it does not open; or, when the first frame is taken, none can be decoded.
    """
    with open_video(path) as (container, stream):
        played = Playback(read_facts(container, stream))
    return played, _frames(path, played)


def _frames(path: Path, played: Playback) -> Iterator[Still]:
    start: float | None = None
    rate = played.facts.frame_rate or USUAL_RATE
    for frame in _decoded(path, played):
        if frame.width <= 0 or frame.height <= 0:
            continue
        if start is None:
            start = start_time(played.facts.begins, frame)
            played.first = frame.time - start if frame.time is not None else 0.0
            played.turns = turns_of(frame)
            upright = played.turns % 2 == 0
            played.width, played.height = (frame.width, frame.height) if upright else (frame.height, frame.width)
        second = frame.time - start if frame.time is not None else played.frames / rate
        if played.frames and not 0 < second - played.last <= LONGEST_GAP:  # it stands still, runs back or leaps
            second = played.last + 1.0 / rate
        if played.frames:
            _note_step(played, second - played.last)
        played.last = second
        played.corrupt += bool(frame.is_corrupt)
        played.frames += 1
        yield Still(played.frames - 1, second, frame)
    if not played.frames:
        raise VideoError(played.broken or "no frame of it can be decoded")


def start_time(stated: float | None, first: VideoFrame) -> float:
    """The time stamp at which a video begins: its first frame's, or the stated one where that frame comes far later."""
    if first.time is None:
        return 0.0
    return stated if stated is not None and first.time - stated >= LATE_BEGIN else first.time


def _note_step(played: Playback, step: float) -> None:
    if len(played._steps) < 300:
        played._steps.append(step)


def _decoded(path: Path, played: Playback) -> Iterator[VideoFrame]:
    """Frames in order of showing; a packet that cannot be decoded is counted and passed over."""
    with open_video(path) as (container, stream):
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError) as error:
                played.broken = error_text(error)
                packet = None
            try:
                frames = packet.decode() if packet is not None else stream.codec_context.decode(None)
            except (av.error.FFmpegError, OSError, ValueError):
                played.errors += 1
                frames = []
            yield from frames
            if packet is None or played.errors >= MOST_ERRORS:
                return


class Reducer:
    """Makes frames of one video smaller, with scalers that are kept. Not shared between threads."""

    def __init__(self) -> None:
        self._grey, self._colour = VideoReformatter(), VideoReformatter()
        self._grey_size: tuple[int, int] | None = None

    def grey(self, frame: VideoFrame, side: int, turns: int) -> NDArray[np.uint8]:
        """Brightness, uint8 (height, width), its longer side at most `side` pixels.

        All frames of a video come out as large as the first, also where a damaged file changes their size.
        """
        self._grey_size = self._grey_size or fit_size(frame.width, frame.height, side)
        width, height = self._grey_size
        small = self._grey.reformat(frame, width, height, "gray", interpolation="AREA")
        plane = small.planes[0]
        pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)[:, :width]
        return np.rot90(pixels, turns).copy() if turns else pixels.copy()

    def reduced(self, frame: VideoFrame, side: int) -> VideoFrame:
        """The frame in planar YUV, its longer side at most `side` pixels; not turned."""
        width, height = fit_size(frame.width, frame.height, side)
        return self._colour.reformat(frame, width, height, "yuv420p", interpolation="AREA")


def fit_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height that keep the shape, the longer one at most `side`; even, as chroma wants it, and at least 2."""
    scale = min(1.0, side / max(width, height))
    if scale == 1.0:
        return width, height
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def turns_of(frame: VideoFrame) -> int:
    """Quarter turns to the left that set a frame upright."""
    return round(frame.rotation / 90) % 4 if frame.rotation else 0


def upright(frame: VideoFrame, turns: int) -> Picture:
    """A frame as RGB uint8 (height, width, 3), set upright."""
    pixels = cast(Picture, frame.to_ndarray(format="rgb24"))
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def frames_at(path: Path, seconds: Iterable[float]) -> dict[float, Picture]:
    """The frames shown at these seconds from the video's beginning, upright and at full size; lost ones are left out.

    Jumps to the key frame before each where the container can.

    Raises:
        VideoError: the video does not open.
    """
    wanted = sorted(set(seconds))
    found = _sought(path, wanted)
    if len(found) < len(wanted):
        played, stills = play(path)
        waiting = [second for second in wanted if second not in found]
        with suppress(VideoError):
            for still in stills:
                while waiting and still.second >= waiting[0] - SAME_MOMENT:
                    found[waiting.pop(0)] = upright(still.frame, played.turns)
                if not waiting:
                    break
    return found


def _sought(path: Path, wanted: list[float]) -> dict[float, Picture]:
    """Those of the frames that jumping finds with the right time stamp."""
    found: dict[float, Picture] = {}
    with open_video(path) as (container, stream), suppress(av.error.FFmpegError, OSError, StopIteration, ValueError):
        frames = container.decode(stream)
        first = next(frames)
        if first.time is None or stream.time_base is None:
            return found
        start = start_time(read_facts(container, stream).begins, first)
        turns, frame, at = turns_of(first), first, 0.0
        for second in wanted:
            if second - at > WORTH_A_JUMP:
                container.seek(int((start + second) / stream.time_base), stream=stream)
                frames = container.decode(stream)
                frame = next(frames)
            while (at := (frame.time or 0.0) - start) < second - SAME_MOMENT:
                frame = next(frames)
            if at - second <= SAME_MOMENT:
                found[second] = upright(frame, turns)
    return found
