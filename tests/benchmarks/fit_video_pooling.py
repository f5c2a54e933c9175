"""Fit the weights of app/video/summary/pooling.py: python -m tests.benchmarks.fit_video_pooling FIRST:COUNT

Videos are made of the stills that test_still_videos.py names TUNED_ON. A thing is an animal when most of its marks lie
on one. The fit is logistic, with a pull towards the weights in use (START, PULL), because the things are few.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from app.commands.summarise import detector
from app.video.summary.evidence import USABLE, Thing
from app.video.summary.first_pass import first_pass
from app.video.summary.looks import look_closer, sampled_frames
from app.video.summary.pooling import FEATURES, FEWEST_MARKS, OFFSET, WEIGHTS, Watch, evidence_of
from app.video.summary.summarise import motion_paths
from app.video.summary.tracklets import SURE, things_in_view
from modal_backend.contracts import Box
from modal_backend.embedded import EmbeddedBackend
from modal_backend.models.detectors.overlap import covered, overlap
from tests.benchmarks.test_still_videos import DATA, TUNED_ON
from tests.support.nuisances import NUISANCES
from tests.support.still_videos import draw_still_video, read_stills, still_video

START = np.array([*WEIGHTS, OFFSET])
PULL = 1.0
SHOWS = 0.3  # overlap with the animal, or .7 of the smaller covered: enlarged parts show heads, shadows join bodies


def shows(thing: Thing, animals: list[dict[float, Box]]) -> bool:
    """Whether most of a thing's marks lie on one of the animals."""
    marks = [mark for mark in thing.marks if mark.found and mark.confidence >= USABLE]
    return any(sum(_on(mark.box, mark.second, boxes) for mark in marks) > len(marks) / 2 for boxes in animals)


def _on(box: Box, second: float, boxes: dict[float, Box]) -> bool:
    near = min(boxes, key=lambda other: abs(other - second))
    there = abs(near - second) <= 0.1
    return there and (overlap(box, boxes[near]) >= SHOWS or covered(box, boxes[near]) >= 0.7)


def rows(first: int, count: int) -> Iterator[tuple[np.ndarray, bool]]:
    """Features and truth of every marked thing in the videos of these seeds."""
    stills, detect = read_stills(Path(str(DATA)), *TUNED_ON), detector(EmbeddedBackend())
    names = [name for name in NUISANCES if name != "pan"]
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            animals = (0, 1, 0, 2, 1, 3)[seed % 6]
            two = [names[seed // 2 % len(names)], names[(seed // 2 + 3) % len(names)]]
            path = Path(folder) / f"{seed}.mp4"
            known = draw_still_video(still_video(seed, animals, None if animals else two), stills, path)
            watched = first_pass(path)
            paths, frame = motion_paths(watched)
            sampled = sampled_frames(path, watched, paths, None, detect, _unseen)
            look_closer(sampled, paths, frame, detect, _unseen)
            looked = {sample.index: (sample.second, sample.found) for sample in sampled}
            seconds = tuple(sorted(second for second, _ in looked.values()))
            watch = Watch(frame, seconds, watched.motion.busy, SURE, watched.camera.moves)
            for thing in (thing for things in things_in_view(paths, looked, watch) for thing in things):
                if sum(mark.confidence >= USABLE for mark in thing.marks) >= FEWEST_MARKS:
                    yield evidence_of(thing, watch), shows(thing, known.boxes)
            path.unlink()


def _unseen(share: float) -> None:
    """Nobody watches the progress."""


def fitted(features: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Weights and offset that explain the truth best, pulled towards START."""
    inputs = np.column_stack([features, np.ones(len(features))])

    def loss(weights: np.ndarray) -> float:
        fit = np.logaddexp(0, np.where(truth, -1, 1) * (inputs @ weights)).sum()
        return float(fit + PULL / 2 * ((weights - START) ** 2).sum())

    return np.asarray(minimize(loss, START).x)


def report(features: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> str:
    """How well weights tell animals from the rest."""
    chance = expit(np.column_stack([features, np.ones(len(features))]) @ weights)
    wrong = f"{int((chance[~truth] >= 0.5).sum())} of {int((~truth).sum())} others count"
    missed = f"{int((chance[truth] < 0.5).sum())} of {int(truth.sum())} animals do not"
    return f"AUC {roc_auc_score(truth, chance):.3f}, log loss {log_loss(truth, chance):.3f}, {wrong}, {missed}"


def main(seeds: str) -> None:
    """Print the weights in use and the fitted ones, each with its figures; folds of fives check the fit."""
    first, count = (int(part) for part in seeds.split(":"))
    features, truth = (np.array(column) for column in zip(*rows(first, count), strict=True))
    folds = np.arange(len(truth)) * 5 // len(truth)
    left_out = np.array([features[place] @ (w := fitted(features[folds != fold], truth[folds != fold]))[:-1] + w[-1]
                         for place, fold in enumerate(folds)])  # fmt: skip
    print("in use     ", report(features, truth, START))
    print("fitted     ", report(features, truth, fitted(features, truth)))
    print("left out   ", f"AUC {roc_auc_score(truth, left_out):.3f}, log loss {log_loss(truth, expit(left_out)):.3f}")
    print(dict(zip((*FEATURES, "offset"), fitted(features, truth).round(2), strict=True)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1] if len(sys.argv) > 1 else "5024:24")
