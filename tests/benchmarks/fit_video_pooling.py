"""Fit the weights of app/video/summary/pooling.py: python -m tests.benchmarks.fit_video_pooling [SEEDS SEEDS]

The first seeds (FIRST:COUNT) are of videos made of the stills that test_still_videos.py names TUNED_ON: a thing is an
animal when most of its marks lie on one. The others are of drawn videos: a thing is an animal when it comes and goes
with one. The fit is logistic, with a pull towards START (what was set by hand before), because the things are few.
"""

from __future__ import annotations

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
from app.video.summary.looks import Detect, look_closer, sampled_frames
from app.video.summary.pooling import FEATURES, FEWEST_MARKS, OFFSET, WEIGHTS, Watch, evidence_of
from app.video.summary.summarise import motion_paths
from app.video.summary.tracklets import SURE, things_in_view
from modal_backend.contracts import Box
from modal_backend.embedded import EmbeddedBackend
from modal_backend.models.detectors.overlap import covered, overlap
from tests.benchmarks.test_still_videos import DATA, TUNED_ON
from tests.benchmarks.test_video_counts import known_videos
from tests.support.drawn_videos import Truth
from tests.support.nuisances import NUISANCES
from tests.support.still_videos import draw_still_video, read_stills, still_video

START = np.array([1.0, 0.3, 1.5, 1.85, 0.9, -0.85, -1.1, -2.0, 3.3, -1.0])  # as the rules before it weighed
PULL = 10.0  # 5, 3 and 1 do no better held out, and count a door of real.csv that people pass as a person
FOLDS = 8
Row = tuple[str, np.ndarray, bool]  # the video, the features, whether it is an animal
SHOWS = 0.3  # overlap with the animal, or .7 of the smaller covered: enlarged parts show heads, shadows join bodies


def shows(thing: Thing, animals: list[dict[float, Box]]) -> bool:
    """Whether most of a thing's marks lie on one of the animals."""
    marks = [mark for mark in thing.marks if mark.found and mark.confidence >= USABLE]
    return any(sum(_on(mark.box, mark.second, boxes) for mark in marks) > len(marks) / 2 for boxes in animals)


def _on(box: Box, second: float, boxes: dict[float, Box]) -> bool:
    near = min(boxes, key=lambda other: abs(other - second))
    there = abs(near - second) <= 0.1
    return there and (overlap(box, boxes[near]) >= SHOWS or covered(box, boxes[near]) >= 0.7)


def comes_and_goes(thing: Thing, animals: list[Truth]) -> bool | None:
    """Whether a thing is in view when one of the animals is; None when it is for a part of that time."""
    first, last = thing.spans[0][0], thing.spans[-1][1]
    if any(abs(first - animal.first) < 1 and abs(last - animal.last) < 1 for animal in animals):
        return True
    return None if any(first < animal.last and last > animal.first for animal in animals) else False


def still_rows(first: int, count: int, detect: Detect) -> Iterator[Row]:
    """Features and truth of every marked thing in videos made of stills."""
    stills, names = read_stills(Path(str(DATA)), *TUNED_ON), [name for name in NUISANCES if name != "pan"]
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            animals = (0, 1, 0, 2, 1, 3)[seed % 6]
            two = [names[seed // 2 % len(names)], names[(seed // 2 + 3) % len(names)]]
            path = Path(folder) / f"{seed}.mp4"
            known = draw_still_video(still_video(seed, animals, None if animals else two), stills, path)
            for thing, features in marked_things(path, detect):
                yield path.stem, features, shows(thing, known.boxes)
            path.unlink()


def drawn_rows(first: int, count: int, detect: Detect) -> Iterator[Row]:
    """Features and truth of every marked thing in drawn videos."""
    with tempfile.TemporaryDirectory() as folder:
        for _, path, truths in known_videos(Path(folder), first, count):
            for thing, features in marked_things(path, detect):
                if (animal := comes_and_goes(thing, truths)) is not None:
                    yield path.stem, features, animal
            path.unlink()


def marked_things(path: Path, detect: Detect) -> Iterator[tuple[Thing, np.ndarray]]:
    """What the detector marks on several frames of a video, with its features."""
    watched = first_pass(path)
    paths, frame = motion_paths(watched)
    sampled = sampled_frames(path, watched, paths, None, detect, _unseen)
    look_closer(sampled, paths, frame, detect, _unseen)
    looked = {sample.index: (sample.second, sample.found) for sample in sampled}
    seconds = tuple(sorted(second for second, _ in looked.values()))
    camera = watched.camera.shift if watched.camera.moves else None
    watch = Watch(frame, seconds, watched.motion.busy, SURE, camera)
    for thing in (thing for things in things_in_view(paths, looked, watch) for thing in things):
        if sum(mark.confidence >= USABLE for mark in thing.marks) >= FEWEST_MARKS:
            yield thing, evidence_of(thing, watch)


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


def main(stills: str, drawn: str) -> None:
    """Print the weights in use, those set by hand and the fitted ones with figures; videos left out check them."""
    detect = detector(EmbeddedBackend())
    found = [*still_rows(*_seeds(stills), detect), *drawn_rows(*_seeds(drawn), detect)]
    videos, features, truth = (np.array(column) for column in zip(*found, strict=True))
    folds, left_out = np.unique(videos, return_inverse=True)[1] % FOLDS, np.empty(len(truth))
    for fold in range(FOLDS):
        *weights, offset = fitted(features[folds != fold], truth[folds != fold])
        left_out[folds == fold] = features[folds == fold] @ np.array(weights) + offset
    print("in use     ", report(features, truth, np.array([*WEIGHTS, OFFSET])))
    print("by hand    ", report(features, truth, START))
    print("fitted     ", report(features, truth, fitted(features, truth)))
    print("left out   ", f"AUC {roc_auc_score(truth, left_out):.3f}, log loss {log_loss(truth, expit(left_out)):.3f}")
    print(dict(zip((*FEATURES, "offset"), fitted(features, truth).round(2), strict=True)))


def _seeds(text: str) -> tuple[int, int]:
    first, count = text.split(":")
    return int(first), int(count)


if __name__ == "__main__":
    main(*(sys.argv[1:] or ("7000:72", "710000:12")))
