"""Open a video and read what its container states: format, codec, length, frame rate, when it was recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from app.video.reading.written_times import read_time

# Only these demuxers are tried: a file that pretends to be a video and is a play list would open other files.
DEMUXERS = "mov,avi,asf,matroska,mpegts,mpeg,m4v,h264,hevc,mjpeg,flv,ogg,mxf,dv,ivf,rm"
EARLIEST_YEAR = 1995  # before that a clock was not set: containers count from 1904, 1970 or 1980
MOST_FRAME_RATE = 1000.0
IDIT, AVI_HEAD = "idit", 1 << 16  # where an AVI says when it was recorded, and in how many bytes from its beginning
MOST_SECONDS = 60.0  # to open a file, and between two of its packets: a damaged one may be searched for ever


class VideoError(Exception):
    """A video cannot be read; the text says what is wrong with it."""


class NoVideoTrack(VideoError):
    """The file opens but holds no moving picture."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the container states; None or 0 where it states nothing.

    Attributes:
        width, height: pixels as coded, before rotation.
        duration: seconds of the video track.
        frame_rate: frames a second.
        frames: as the index counts them.
        recorded_at: as written; camera-local for all camera traps seen.
        utc_offset: only where it is written.
        begins: first time stamp of the video track, in seconds.
        latitude, longitude: degrees, WGS 84.
    """

    container: str
    codec: str
    width: int
    height: int
    duration: float | None
    frame_rate: float | None
    frames: int
    recorded_at: datetime | None
    utc_offset: str | None
    make: str | None = None
    model: str | None = None
    begins: float | None = None
    latitude: float | None = None
    longitude: float | None = None


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video; yields the container and its video track, set to decode in threads.

    Raises:
        VideoError: the file cannot be opened.
        NoVideoTrack: it holds no moving picture.
    """
    try:
        container = av.open(
            f"file:{path.absolute()}",
            options={"format_whitelist": DEMUXERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
            timeout=MOST_SECONDS,
        )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(error_text(error)) from error
    with container:
        stream = _video_track(container)
        stream.thread_type = "AUTO"
        yield container, stream


def read_facts(container: InputContainer, stream: VideoStream) -> VideoFacts:
    """What the container states about the video."""
    tags = _written_by_camera(container)
    tags |= {key.lower(): value for key, value in {**container.metadata, **stream.metadata}.items()}
    recorded_at, utc_offset = _recorded_at(tags)
    latitude, longitude = _place(tags)
    return VideoFacts(
        container=container.format.name,
        codec=stream.codec_context.name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        duration=_duration(container, stream, tags),
        frame_rate=_frame_rate(stream),
        frames=max(stream.frames or 0, 0),
        recorded_at=recorded_at,
        utc_offset=utc_offset,
        make=tags.get("com.apple.quicktime.make") or tags.get("make"),
        model=tags.get("com.apple.quicktime.model") or tags.get("model"),
        begins=float(stream.start_time * stream.time_base)
        if stream.start_time is not None and stream.time_base
        else None,
        latitude=latitude,
        longitude=longitude,
    )


def error_text(error: BaseException) -> str:
    """The message of FFmpeg or of the system, without the path."""
    text = getattr(error, "strerror", None) or str(error)
    return re.sub(r"\s*[:;]?\s*'?file:.*$", "", text).strip() or type(error).__name__


def _video_track(container: InputContainer) -> VideoStream:
    """The first track of moving pictures; cover pictures are none."""
    for stream in container.streams.video:
        with suppress(AttributeError):
            if stream.disposition & av.stream.Disposition.attached_pic:
                continue
        if stream.codec_context is not None:
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise NoVideoTrack(f"it holds {', '.join(kinds)} alone" if kinds else "it holds nothing")


def _duration(container: InputContainer, stream: VideoStream, tags: dict[str, str]) -> float | None:
    if stream.duration and stream.time_base and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    if found := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", tags.get("duration", "")):
        return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    return container.duration / av.time_base if container.duration and container.duration > 0 else None


def _frame_rate(stream: VideoStream) -> float | None:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < float(rate) <= MOST_FRAME_RATE:
            return float(rate)
    return None


def _recorded_at(tags: dict[str, Any]) -> tuple[datetime | None, str | None]:
    """The moment of recording as written. A zone other than "Z" is kept; cameras write local time with a "Z".

    Phones of Android and Apple write UTC and say who they are: theirs is left out.
    """
    of_phone = (
        any(key.startswith("com.android.") for key in tags)
        or str(tags.get("com.apple.quicktime.make", "")).lower() == "apple"
    )
    for name in ("com.apple.quicktime.creationdate", "creation_time", "date", "icrd", "wm/encodingtime", IDIT):
        if name == "creation_time" and of_phone:
            continue
        stated = read_time(str(tags.get(name, "")).removesuffix("Z"))
        if stated is not None and stated[0].year >= EARLIEST_YEAR:
            return stated
    return None, None


def _written_by_camera(container: InputContainer) -> dict[str, str]:
    """The IDIT chunk of an AVI, of which FFmpeg reads two forms only."""
    if container.format.name != "avi":
        return {}
    with open(container.name.removeprefix("file:"), "rb") as file:
        head = file.read(AVI_HEAD)
    at = head.find(b"IDIT")
    size = int.from_bytes(head[at + 4 : at + 8], "little")
    return {IDIT: head[at + 8 : at + 8 + size].split(b"\0")[0].decode("latin-1")} if at > 0 and size <= 64 else {}


def _place(tags: dict[str, Any]) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees as ISO 6709 writes them: -23.5417+030.1667/, -2332.50+03010.00/.

    Degrees with a fraction are taken without their leading zeros, too.
    """
    text = str(tags.get("com.apple.quicktime.location.iso6709") or tags.get("location") or "")
    text = re.sub(r"([+-])(\d)(?=\.\d)", r"\g<1>0\2", text)
    text = re.sub(r"(?<=\d)([+-])(\d\d)(?=\.\d)", r"\g<1>0\2", text, count=1)
    found = re.match(r"([+-])(\d{2})(\d{2})?(\d{2})?(\.\d+)?([+-])(\d{3})(\d{2})?(\d{2})?(\.\d+)?(?![\d.])", text)
    if found is None:
        return None, None
    latitude, longitude = (_iso6709(*found.groups()[at : at + 5]) for at in (0, 5))
    if abs(latitude) > 90 or abs(longitude) > 180 or not (latitude or longitude):
        return None, None
    return latitude, longitude


def _iso6709(sign: str, degrees: str, minutes: str | None, seconds: str | None, fraction: str | None) -> float:
    """Degrees of one coordinate, whose fraction belongs to the last part that is there."""
    parts = [part for part in (degrees, minutes, seconds) if part is not None]
    values = [float(part) for part in parts]
    values[-1] += float(fraction or 0)
    return (-1 if sign == "-" else 1) * sum(value / 60**power for power, value in enumerate(values))
