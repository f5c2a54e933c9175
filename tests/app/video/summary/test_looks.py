"""Parts of a frame that are looked at enlarged: what they show counts for less where the whole frame shows nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.video.motion.tracker import Step
from app.video.paths.frame_borders import Frame
from app.video.paths.path import MotionPath
from app.video.summary.evidence import Mark
from app.video.summary.looks import SampledFrame, look_closer
from modal_backend.contracts import Box, Category, Detection

FRAME = Frame(192, 108, 0.0, 2.0, 0.1)
MOVES = MotionPath([[Step(number / 10, 90.0, 45.0, 102.0, 57.0, 100.0, 80.0) for number in range(20)]])


def test_what_only_an_enlarged_part_shows_is_believed_less_than_what_the_frame_shows_too():
    def shown_at(whole: list[Detection]) -> float:
        sample = SampledFrame(10, 1.0, np.zeros((360, 640, 3), np.uint8), whole)
        middle = Detection(Category.ANIMAL, 0.6, Box(0.25, 0.25, 0.5, 0.5))
        look_closer([sample], [MOVES], FRAME, lambda pictures: [[middle] for _ in pictures], _unseen)
        mark = Mark(10, 1.0, middle.box, sample.found[0])
        assert mark.confidence == 0.6
        return mark.believed

    (part,) = _parts_of(SampledFrame(10, 1.0, np.zeros((360, 640, 3), np.uint8), []))
    there = Box(part.x + part.width / 4, part.y + part.height / 4, part.width / 2, part.height / 2)
    assert shown_at([]) < 0.3
    assert shown_at([Detection(Category.ANIMAL, 0.1, there)]) == 0.6


def test_what_the_frames_show_badly_is_looked_at_enlarged_ten_times_and_all_of_it_forty_times():
    def enlarged(paths: int) -> int:
        shown = [
            MotionPath([[replace(step, left=30.0 * n, right=30.0 * n + 12) for step in MOVES.steps]])
            for n in range(paths)
        ]
        samples = [SampledFrame(n, n / 10, np.zeros((360, 640, 3), np.uint8), []) for n in range(20)]
        look_closer(samples, shown, FRAME, lambda pictures: [[] for _ in pictures], _unseen)
        return sum(len(sample.enlarged) for sample in samples)

    assert (enlarged(1), enlarged(2), enlarged(6)) == (10, 20, 40)


def _unseen(share: float) -> None:
    """Nobody watches the progress."""


def _parts_of(sample: SampledFrame) -> list[Box]:
    look_closer([sample], [MOVES], FRAME, lambda pictures: [[] for _ in pictures], _unseen)
    return sample.enlarged
