"""The frames a question about a video is asked with: even over its length, small, upright, without metadata."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.video.reading.even_frames import MOST_JPEG_BYTES, even_frames
from modal_backend.errors import JobFailed
from tests.support.square_video import write_video


def square_at(jpeg: bytes) -> float:
    """Where the bright square's left edge stands, as a share of its path."""
    picture = np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"), dtype=np.float32)
    columns = np.flatnonzero(picture.max(axis=0) > 120)
    return columns.min() / (picture.shape[1] * (1 - 40 / 320))


@pytest.mark.parametrize("name", ["video.mp4", "video.avi", "video.mkv", "video.mov"])
def test_frames_are_even_over_the_video_and_show_what_happens_at_their_second(tmp_path, name):
    frames = even_frames(write_video(tmp_path / name), 8)
    assert [frame.seconds for frame in frames] == pytest.approx([0.25 + 0.5 * n for n in range(8)], abs=0.11)
    for frame in frames:
        assert square_at(frame.jpeg) == pytest.approx(frame.seconds / 4.0, abs=0.05)


def test_a_large_noisy_picture_becomes_small_enough_for_a_hosted_endpoint(tmp_path):
    frames = even_frames(write_video(tmp_path / "big.mp4", seconds=1, size=(1920, 1080)), 2)
    for frame in frames:
        assert max(Image.open(io.BytesIO(frame.jpeg)).size) == 768
        assert len(frame.jpeg) <= MOST_JPEG_BYTES


def test_more_frames_than_the_video_has_are_not_made_up(tmp_path):
    assert len(even_frames(write_video(tmp_path / "short.mp4", seconds=0.3), 8)) == 3


def test_what_is_no_video_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"not a video at all" * 100)
    with pytest.raises(JobFailed, match="cannot be decoded"):
        even_frames(tmp_path / "no.mp4", 4)


def test_half_a_video_gives_frames_of_its_first_half(tmp_path):
    whole = write_video(tmp_path / "whole.avi").read_bytes()
    (tmp_path / "half.avi").write_bytes(whole[: len(whole) // 2])
    frames = even_frames(tmp_path / "half.avi", 8)
    assert frames
    assert all(square_at(frame.jpeg) < 0.65 for frame in frames)


def test_every_real_video_gives_frames(real_data: Path):
    videos = [path for path in sorted((real_data / "videos").iterdir()) if path.is_file() and path.suffix != ".csv"]
    assert videos
    for video in videos:
        frames = even_frames(video, 4)
        assert len(frames) == 4, video.name
        assert all(frame.jpeg.startswith(b"\xff\xd8") for frame in frames)
