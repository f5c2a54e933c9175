"""Ten minutes of 1080p: decoding and sampling against the bare decode of the same frames, and its memory."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST = 1.3
MOST_GROWTH = 1.15
FPS = 30
LOOP_SECONDS = 10

BARE = """
import sys, time, av
start = time.perf_counter()
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    frames = sum(1 for _ in container.decode(stream))
print(frames, time.perf_counter() - start, 0)
"""
WATCH = """
import resource, sys, time
from pathlib import Path
import cv2, numpy
from app.video.summary.first_pass import first_pass
start = time.perf_counter()
watched = first_pass(Path(sys.argv[1]))
print(watched.played.frames, time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""

pytestmark = pytest.mark.benchmark


def long_video(path: Path, minutes: float) -> Path:
    """Grain, a square that walks through and an empty stretch, repeated without encoding it again."""
    rng = np.random.default_rng(1)
    scene = rng.integers(60, 180, (68, 120, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)[:1080, :1920]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": "60", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        packets = []
        for number in range(FPS * LOOP_SECONDS):
            picture = scene.copy()
            left = number * 16 - 600
            if left < 1920:
                picture[500:700, max(left, 0) : max(left + 300, 0)] = 20
            noise = rng.integers(-6, 7, (270, 480, 1), dtype=np.int16).repeat(4, 0).repeat(4, 1)
            shown = (picture + noise).clip(0, 255).astype(np.uint8)
            packets += stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24"))
        packets += stream.encode()
        data = [(bytes(packet), packet.is_keyframe) for packet in packets]
        for number in range(round(minutes * 60 * FPS)):
            content, is_key = data[number % len(data)]
            packet = av.Packet(content)
            packet.stream, packet.is_keyframe = stream, is_key
            packet.pts = packet.dts = number
            packet.time_base, packet.duration = Fraction(1, FPS), 1
            container.mux(packet)
    return path


def timed(script: str, video: Path) -> tuple[int, float, int]:
    ran = subprocess.run(
        [sys.executable, "-c", script, str(video)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=900
    )
    frames, seconds, memory = ran.stdout.split()[-3:]
    return int(frames), float(seconds), int(memory)


def test_ten_minutes_are_decoded_and_sampled_at_most_at_1_3_times_the_bare_decode_in_flat_memory(tmp_path, measured):
    short, video = long_video(tmp_path / "short.mp4", 2), long_video(tmp_path / "long.mp4", 10)
    _, _, at_two = timed(WATCH, short)
    frames, bare, _ = timed(BARE, video)
    watched, seconds, at_ten = timed(WATCH, video)
    measured("ten minutes of 1080p decoded and sampled", seconds, "s", baseline=bare)
    measured("times the bare decode", seconds / bare, "x", at_most=MOST)
    measured("peak memory, two minutes", at_two / 1024, "MB")
    measured("peak memory, ten minutes", at_ten / 1024, "MB", at_most=MOST_GROWTH * at_two / 1024)
    assert watched == frames == 10 * 60 * FPS
    assert seconds <= MOST * bare
    assert at_ten <= MOST_GROWTH * at_two
