"""A few frames of a video as small JPEGs, evenly over its length: what a question about the video is asked with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from app.video.reading.probe import VideoError, open_video, read_facts
from modal_backend.contracts import JpegFrame
from modal_backend.errors import JobFailed

LONGEST_SIDE = 768
# NVIDIA's hosted endpoints take a picture inside the request up to 180 kB of base64.
MOST_JPEG_BYTES = 130_000
QUALITIES = (85, 75, 60, 45, 30)
# A seek lands on a key frame before the wanted time; a video without index may be this far off.
MOST_DECODED = 400


def even_frames(video: Path, count: int) -> list[JpegFrame]:
    """`count` frames spread over the video, upright, without metadata; fewer where the video has fewer.

    Times are the frames' own, in seconds from the video's first frame. What cannot be decoded is passed over.

    Raises:
        JobFailed: nothing can be decoded.
    """
    try:
        with open_video(video) as (container, stream):
            found = {frame.seconds: frame for frame in _spread(container, stream, count)}
    except (VideoError, av.error.FFmpegError, OSError) as error:
        raise JobFailed(f"The video cannot be decoded: {error}.") from error
    if not found:
        raise JobFailed("No frame of the video can be decoded.")
    return [found[seconds] for seconds in sorted(found)]


def _spread(container: Any, stream: Any, count: int) -> Iterator[JpegFrame]:
    facts = read_facts(container, stream)
    if facts.duration is None:
        yield from _decoded_in_one_go(container, stream, count)
        return
    start = facts.begins or 0.0
    for number in range(count):
        frame = _frame_at(container, stream, start + (number + 0.5) * facts.duration / count)
        if frame is not None:
            yield _small(frame, start)


def _frame_at(container: Any, stream: Any, seconds: float) -> Any:
    """The frame that is shown at this time, else the next one; None where nothing decodes."""
    try:
        container.seek(int(seconds / stream.time_base), stream=stream, backward=True)
    except av.error.FFmpegError:
        return None
    last = None
    for number, frame in enumerate(_decodable(container, stream)):
        if last is not None and (frame.time or 0.0) > seconds:
            break
        last = frame
        if number >= MOST_DECODED:
            break
    return last


def _decodable(container: Any, stream: Any) -> Iterator[Any]:
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


def _decoded_in_one_go(container: Any, stream: Any, count: int) -> Iterator[JpegFrame]:
    """Of a video that does not state its length: every n-th frame, n doubling, so that at most 2 x count are held."""
    kept: list[JpegFrame] = []
    step = 1
    for number, frame in enumerate(_decodable(container, stream)):
        if number % step == 0:
            kept.append(_small(frame, 0.0))
            if len(kept) == 2 * count:
                kept, step = kept[::2], step * 2
    places = {round((number + 0.5) * len(kept) / count - 0.5) for number in range(count)} if kept else set()
    yield from (kept[min(max(place, 0), len(kept) - 1)] for place in sorted(places))


def _small(frame: Any, start: float) -> JpegFrame:
    picture = frame.to_image()
    turn = round(getattr(frame, "rotation", 0) or 0)
    if turn % 360:
        picture = picture.rotate(turn, expand=True)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    data = b""
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        data = file.getvalue()
        if len(data) <= MOST_JPEG_BYTES:
            break
    return JpegFrame(max(round((frame.time or 0.0) - start, 2), 0.0), data)
