"""Videos in many containers and codecs, whole and damaged; each frame shows its own number as bright squares."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 10


def numbered(number: int, width: int, height: int) -> np.ndarray:
    """A grey picture whose top row of BITS squares is the number in binary (bright is 1)."""
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[height // 2 :, :: max(2, width // 8)] = 130
    cell = max(1, width // BITS)
    for bit in range(BITS):
        picture[: height // 2, bit * cell : (bit + 1) * cell] = 230 if number >> bit & 1 else 20
    return picture


def number_on(picture: np.ndarray) -> int:
    """The number a decoded frame shows."""
    height, width = picture.shape[:2]
    cell = max(1, width // BITS)
    number = 0
    for bit in range(BITS):
        square = picture[height // 8 : height // 3 + 1, bit * cell + cell // 4 : bit * cell + max(1, 3 * cell // 4) + 1]
        number |= (int(square.mean()) > 125) << bit
    return number


def write(
    path: Path,
    codec: str = "libx264",
    *,
    fps: Fraction | int = 10,
    seconds: float = 3.0,
    size: tuple[int, int] = (160, 96),
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    times: list[float] | None = None,
) -> int:
    """A video of numbered frames; returns how many. times: seconds of the frames, for a variable rate."""
    count = len(times) if times else round(float(fps) * seconds)
    with av.open(str(path), "w", options=container_options or {}) as container:
        for key, value in (metadata or {}).items():
            container.metadata[key] = value
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 600_000
        if times:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number % 2**BITS, *size), format="rgb24")
            if times:
                frame.pts, frame.time_base = round(times[number] * 1000), Fraction(1, 1000)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return count


def sound_only(path: Path) -> None:
    """A file with a video's name that holds a tone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for _ in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def turned(path: Path, source: Path) -> None:
    """A copy of an MP4 whose track header says: show it turned by 90 degrees to the right (ISO/IEC 14496-12, tkhd)."""
    data = bytearray(source.read_bytes())
    start = data.index(b"tkhd") + 4
    matrix = start + (40 if data[start] == 0 else 52)
    unit = 0x00010000
    data[matrix : matrix + 36] = struct.pack(">9i", 0, unit, 0, -unit, 0, 0, 0, 0, 0x40000000)
    path.write_bytes(data)


def cut(path: Path, source: Path, share: float) -> None:
    """The beginning of a file."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def zeroed(path: Path, source: Path, first: float, last: float) -> None:
    """A copy with zeros from one share of it to another, as a failing card leaves it."""
    data = bytearray(source.read_bytes())
    a, b = int(len(data) * first), int(len(data) * last)
    data[a:b] = bytes(b - a)
    path.write_bytes(data)
