"""The strips that are read: of an image at its size, of a video from its first frame."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import av
import numpy as np
import pytest

from app.analysis.stamps import bar_of
from app.ingest.refusals import Refused
from modal_backend.embedded import EmbeddedBackend
from modal_backend.models.stamps.grammar import read_stamp
from modal_backend.registry import STAMPS
from tests.support.burnt_in import burnt_in, right


def test_the_bar_of_a_video_is_read_from_its_first_frame(tmp_path: Path):
    picture, written = burnt_in(np.full((480, 640, 3), 90, np.uint8), 5001)
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    path = tmp_path / "video.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture[:height, :width], format="rgb24")))
        container.mux(stream.encode())
    (text,) = EmbeddedBackend().call(STAMPS, [bar_of(path, "video")]).values
    stamp = read_stamp(text.lines, date(2026, 11, 28))
    assert right(written, stamp.dates, stamp.time)


def test_what_is_no_video_is_refused_in_words(tmp_path: Path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"nothing")
    with pytest.raises(Refused):
        bar_of(path, "video")
