"""Videos with 0 to 3 animals on known ways, of two styles, as the product runs: motion alone counts nothing.

PUGMARK_CLIP_SEEDS=FIRST:COUNT chooses the seeds (a video of each style for every seed); those below were never looked
at while the method was made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.commands.summarise import detector
from app.video.summary.summarise import SummarisedVideo, summarise_video
from modal_backend.embedded import EmbeddedBackend
from tests.benchmarks.other_videos import draw_other, other_video
from tests.support.drawn_videos import Truth, draw_video, random_video

HELD_OUT = "700000:8"
LEAST = 0.9
SECONDS_OFF = 1.0
OLD_EFFECTS = ("shake", "flicker", "wind", "bar", "noise", "infrared")

pytestmark = pytest.mark.benchmark


def known_videos(folder: Path, first: int, count: int) -> Iterator[tuple[str, Path, list[Truth]]]:
    """Drawn videos: name, file and what is true of each animal in it."""
    for place in range(count):
        seed = first + place
        path = folder / f"other-{seed}.mp4"
        video = other_video(seed, place % 4)
        yield f"other {seed} {video.fps}/s {'+'.join(video.effects)}", path, draw_other(video, path)
        path, rng = folder / f"first-{seed}.mp4", np.random.default_rng([seed, 81])
        effects = tuple(str(effect) for effect in rng.choice(OLD_EFFECTS, rng.integers(0, 3), replace=False))
        fps = int(rng.choice((5, 10, 15, 25)))
        drawn = random_video(seed, (place + 2) % 4, "pasted" if place % 2 else "drawn", effects, fps)
        yield (
            f"first {seed} {fps}/s {'+'.join(effects)}",
            path,
            draw_video(drawn, path, options={"preset": "ultrafast"}),
        )


class Score:
    """Right answers and how many were asked for."""

    def __init__(self) -> None:
        self.right = {"count": 0, "sides": 0, "times": 0, "empty": 0}
        self.asked = dict(self.right)
        self.wrong: list[str] = []

    def take(self, name: str, done: SummarisedVideo, truths: list[Truth]) -> None:
        """Add one video: each known animal is compared with the counted tracklet nearest in time and sides."""
        found = [tracklet for tracklet in done.summary.tracklets if tracklet.counted]
        self._add("count", len(found) == len(truths))
        if not truths:
            self._add("empty", not found)
        for truth in truths:
            best = min(
                found,
                key=lambda tracklet: abs(tracklet.first_second - truth.first) + abs(tracklet.last_second - truth.last)
                + (tracklet.entry != truth.entry) + (tracklet.exit != truth.exit),
                default=None,
            )  # fmt: skip
            for side in ("entry", "exit"):
                self._add("sides", best is not None and getattr(best, side) == getattr(truth, side))
            for got, true in ((best and best.first_second, truth.first), (best and best.last_second, truth.last)):
                self._add("times", got is not None and abs(got - true) <= SECONDS_OFF)
        if len(found) != len(truths):
            ways = [
                (round(tracklet.first_second, 1), round(tracklet.last_second, 1), tracklet.entry, tracklet.exit)
                for tracklet in found
            ]
            known = [(round(animal.first, 1), round(animal.last, 1), animal.entry, animal.exit) for animal in truths]
            self.wrong.append(f"{name}: {known} was taken for {ways}")

    def shares(self) -> dict[str, float]:
        """Share of right answers of each kind."""
        return {kind: round(self.right[kind] / max(self.asked[kind], 1), 3) for kind in self.asked}

    def _add(self, kind: str, right: bool) -> None:
        self.right[kind] += right
        self.asked[kind] += 1


def test_count_sides_and_times_of_known_animals_are_right_in_nine_of_ten(tmp_path, capsys, measured):
    first, count = (int(part) for part in os.environ.get("PUGMARK_CLIP_SEEDS", HELD_OUT).split(":"))
    detect = detector(EmbeddedBackend())
    scores = {style: Score() for style in ("first", "other")}
    for name, path, truths in known_videos(tmp_path, first, count):
        scores[name.split()[0]].take(name, summarise_video(path, detect), truths)
        path.unlink()
    with capsys.disabled():
        for score in scores.values():
            print("", *score.wrong, sep="\n")
    for style, score in scores.items():
        for kind, share in score.shares().items():
            measured(f"drawn videos ({style}): {kind}, of {score.asked[kind]}", share, at_least=LEAST)
    for style, score in scores.items():
        assert all(share >= LEAST for share in score.shares().values()), style
