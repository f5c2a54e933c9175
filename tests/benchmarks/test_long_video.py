"""Ten minutes of 1080p by `python -m app summarise`, against the bare decode and what the detector takes; its memory.

Long still stretches and a few animals, of real stills. Times are of the CPU: others may use the machine meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import pytest

from tests.benchmarks.test_still_videos import DATA
from tests.support.drawn_videos import pasted
from tests.support.still_videos import read_stills

ROOT = Path(__file__).resolve().parents[2]
MOST, MOST_GROWTH = 1.3, 1.15
BITS = 10_000_000  # a second, as trail cameras write
FPS, PART_SECONDS, SEED = 30, 5, 8500
CROSSINGS = {6: 1, 7: 2, 34: 2, 60: 1, 61: 1, 104: 2}  # number of a part -> which animal crosses in it

BARE = """
import sys, time, av
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    frames = sum(1 for _ in container.decode(stream))
print(frames, time.process_time())
"""
SUMMARISE = """
import sys, time
from app.__main__ import main
from app.commands import summarise
made, spent, asked = summarise.detector, 0.0, 0
def timed(*arguments):
    detect = made(*arguments)
    def answers(pictures):
        global spent, asked
        begun = time.process_time()
        found = detect(pictures)
        spent, asked = spent + time.process_time() - begun, asked + len(pictures)
        return found
    return answers
summarise.detector = timed
status = main(["summarise", sys.argv[1], "--json"])
print(time.process_time(), spent, asked, file=sys.stderr)
sys.exit(status)
"""

pytestmark = pytest.mark.benchmark


@dataclass
class Run:
    """Seconds of the CPU in all and in the detector, pictures it was asked about, megabytes each second, the answer."""

    spent: float
    detecting: float
    asked: int
    megabytes: list[float]
    answer: dict


def part(path: Path, scene: np.ndarray, crossing: tuple[np.ndarray, float, float] | None) -> list[tuple[bytes, bool]]:
    """The packets of PART_SECONDS of a scene with grain.

    Args:
        scene: RGB uint8 (1080, 1920, 3).
        crossing: an animal (float RGBA, 0 to 1), where its middle is at the beginning and at the end, across.
    """
    rng = np.random.default_rng(SEED)
    grain = [rng.integers(0, 6, scene.shape, np.uint8) for _ in range(4)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1920, 1080, "yuv420p", BITS
        for number in range(PART_SECONDS * FPS):
            shown = scene
            if crossing is not None:
                animal, begin, end = crossing
                picture = scene.astype(np.float32)
                pasted(picture, animal, (begin + (end - begin) * number / (PART_SECONDS * FPS), 0.65))
                shown = picture.astype(np.uint8)
            shown = cv2.subtract(cv2.add(shown, grain[number % 4]), grain[(number + 1) % 4])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        return [(bytes(packet), packet.is_keyframe) for packet in container.demux(video=0) if packet.size]


def material() -> tuple[np.ndarray, list[np.ndarray]]:
    """An empty scene and two animals, of real stills; drawn where there are none."""
    if DATA is None:
        tiles = np.random.default_rng(SEED).integers(60, 180, (68, 120, 3), np.uint8)
        blocks = [np.ones((*shape, 4), np.float32) * (0.1, 0.1, 0.1, 1.0) for shape in ((200, 380), (120, 230))]
        return cv2.resize(tiles, (1920, 1080)), blocks
    stills = read_stills(Path(str(DATA)), ("hand_trailfox",), ("empty_trails",))
    scene = cv2.resize(stills.scenes[0], (1920, 1080), interpolation=cv2.INTER_AREA)
    animals = []
    for cut, wide in zip(stills.animals, (380, 230), strict=False):
        shape = wide, round(wide * cut.mask.shape[0] / cut.mask.shape[1])
        mask = cv2.GaussianBlur(cv2.resize(cut.mask, shape), (0, 0), 1.5)
        animals.append(np.dstack([cv2.resize(cut.pixels, shape) / 255, mask]).astype(np.float32))
    return scene, animals


def long_video(path: Path, parts: Sequence[list[tuple[bytes, bool]]]) -> Path:
    """Parts after each other, without encoding them again."""
    with av.open(str(path.parent / "part.mp4")) as like, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(like.streams.video[0])
        for number, (content, is_key) in enumerate(packet for packets in parts for packet in packets):
            packet = av.Packet(content)
            packet.stream, packet.is_keyframe = stream, is_key
            packet.pts = packet.dts = number
            packet.time_base, packet.duration = Fraction(1, FPS), 1
            container.mux(packet)
    return path


def summarised(video: Path) -> Run:
    """`python -m app summarise` on a video, its memory looked at every second."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PUGMARK_DATA_DIR": str(video.parent / "data")}
    answer, figures = video.with_suffix(".json"), video.with_suffix(".txt")
    with answer.open("w") as out, figures.open("w") as err:
        ran = subprocess.Popen([sys.executable, "-c", SUMMARISE, str(video)], env=environment, stdout=out, stderr=err)
        megabytes = []
        while ran.poll() is None:
            megabytes.append(psutil.Process(ran.pid).memory_info().rss / 2**20)
            time.sleep(1)
    assert ran.returncode == 0, figures.read_text()
    spent, detecting, asked = figures.read_text().splitlines()[-1].split()
    return Run(float(spent), float(detecting), int(asked), megabytes, json.loads(answer.read_text()))


def test_ten_minutes_take_at_most_1_3_times_the_decode_and_the_detector_in_flat_memory(tmp_path, measured, capsys):
    scene, (large, small) = material()
    ways = None, (large, -0.15, 1.15), (small[:, ::-1], 1.1, -0.1)
    kinds = [part(tmp_path / "part.mp4", scene, way) for way in ways]
    parts = [kinds[CROSSINGS.get(number, 0)] for number in range(600 // PART_SECONDS)]
    short = long_video(tmp_path / "short.mp4", parts[: 120 // PART_SECONDS])
    video = long_video(tmp_path / "long.mp4", parts)
    bare = subprocess.check_output([sys.executable, "-c", BARE, str(video)], text=True).split()
    at_two, at_ten = summarised(short), summarised(video)
    reference = float(bare[1]) + at_ten.detecting
    with capsys.disabled():
        print(f"\n{at_ten.answer['sentences'][0]['text']}\nMB every 10 s:", *map(round, at_ten.megabytes[::10]))
    measured("ten minutes of 1080p, CPU", at_ten.spent, "s", baseline=reference)
    measured(f"of it the detector, {at_ten.asked} pictures", at_ten.detecting, "s")
    measured("times the bare decode and the detector", at_ten.spent / reference, "x", at_most=MOST)
    measured("all but the detector, times the bare decode", (at_ten.spent - at_ten.detecting) / float(bare[1]), "x")
    peaks = max(at_two.megabytes), max(at_ten.megabytes)
    measured("peak memory, two minutes", peaks[0], "MB")
    measured("peak memory, ten minutes", peaks[1], "MB", at_most=MOST_GROWTH * peaks[0])
    assert at_ten.answer["frames"] == int(bare[0]) == 600 * FPS
    assert at_ten.spent <= MOST * reference
    assert peaks[1] <= MOST_GROWTH * peaks[0]
