"""Small videos drawn for tests: a bright square that walks over a dark ground."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np


def write_video(
    path: Path, seconds: float = 4.0, rate: int = 10, size: tuple[int, int] = (320, 240), **options
) -> Path:
    """A video whose square stands at the share of the width that the share of the time has passed.

    options: codec (default mpeg4), format (default by the file's name).
    """
    import av

    width, height = size
    frames = round(seconds * rate)
    with av.open(str(path), "w", format=options.get("format")) as container:
        stream = container.add_stream(options.get("codec", "mpeg4"), rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, rate)
        for number in range(frames):
            picture = np.full((height, width, 3), 40, np.uint8)
            left = int(number / frames * (width - 40))
            picture[height // 2 : height // 2 + 40, left : left + 40] = (220, 180, 90)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
