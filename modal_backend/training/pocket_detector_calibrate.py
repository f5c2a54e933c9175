"""From held-out answers to confidences: which boxes hit, the logistic calibration, the figures at a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from modal_backend.models.detectors.overlap import pairwise_overlap
from modal_backend.models.detectors.pocket_detector import (
    BoxHead,
    Features,
    PocketDetector,
    Prepared,
    candidates,
    kept_boxes,
    network_input,
)
from modal_backend.training.pocket_detector_data import Sample

FALSE_A_PICTURE, EMPTY_SHARE = 0.25, 0.15
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's boxes for one picture it has not seen: logits (n) best first, overlap (n, m) with the checked boxes."""

    sample: Sample
    logits: Scores
    overlap: Scores

    def hits(self, strictness: float = 0.5) -> NDArray[np.bool_]:
        """Whether each box, best first, hits a checked box that no better one has taken."""
        free, hit = np.ones(self.overlap.shape[1], bool), np.zeros(len(self.logits), bool)
        for index, row in enumerate(self.overlap):
            left = np.where(free, row, -1)
            if len(left) and left.max() >= strictness:
                hit[index] = True
                free[int(left.argmax())] = False
        return hit


class HeldOut:
    """Features of whole pictures, made once, to answer with many heads."""

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self._prepared: list[Prepared] = []
        self._features: list[list[list[torch.Tensor]]] = []
        network = Features()
        with torch.inference_mode():
            for sample in samples:
                prepared = PocketDetector.prepare(sample.picture())
                views = (prepared.fine.pixels, prepared.coarse.pixels)
                self._features.append([[part.half() for part in network(network_input(view))] for view in views])
                self._prepared.append(prepared)

    @torch.inference_mode()
    def answers(self, heads: list[BoxHead], fold: int | None = None) -> list[Answer]:
        """Answers for the samples of one fold (None: all)."""
        found = []
        for sample, features, prepared in zip(self.samples, self._features, self._prepared, strict=True):
            if fold is None or sample.fold == fold:
                outputs = []
                for view in features:
                    maps = [part.float() for part in view]
                    outputs.append(torch.stack([head(*maps) for head in heads]).mean(0))
                found.append(_answer(sample, *candidates(outputs[0], outputs[1], prepared)))
        return found


def _answer(sample: Sample, boxes: NDArray[np.float32], logits: NDArray[np.float32]) -> Answer:
    kept = kept_boxes(boxes, logits)
    height, width = sample.picture().shape[:2]
    overlap = pairwise_overlap(boxes[kept], sample.boxes / ([width, height] * 2))
    return Answer(sample, logits[kept].astype(float), overlap)


def calibrated(answers: list[Answer]) -> tuple[float, float]:
    """Slope and offset of the logistic function from logit to the rate of hits (Platt 1999)."""
    logits = np.concatenate([answer.logits for answer in answers])
    hits = np.concatenate([answer.hits() for answer in answers])
    counted = logits > -5
    model = LogisticRegression(C=100.0).fit(logits[counted, None], hits[counted])
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def figures(answers: list[Answer], calibration: tuple[float, float], threshold: float) -> dict[str, float]:
    """AP50, recall at IoU 0.3 and 0.5, false boxes a picture, share of empty pictures with a box, calibration error."""
    confidence = [1 / (1 + np.exp(-(calibration[0] * answer.logits + calibration[1]))) for answer in answers]
    truth = sum(answer.overlap.shape[1] for answer in answers)
    shown = [a.overlap[c >= threshold] for a, c in zip(answers, confidence, strict=True)]
    reached = [s.max(axis=0, initial=0) for s in shown]
    best = np.concatenate(reached) if reached else np.zeros(0)
    hits = np.concatenate([answer.hits() for answer in answers])
    flat = np.concatenate(confidence)
    order = np.argsort(-flat, kind="stable")
    precision = np.cumsum(hits[order]) / np.arange(1, len(order) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    empty = [len(s) > 0 for a, s in zip(answers, shown, strict=True) if not a.overlap.shape[1]]
    counted = flat >= 0.1
    bins = np.minimum((flat * 10).astype(int), 9)
    inside = [counted & (bins == b) for b in range(1, 10) if np.any(counted & (bins == b))]
    gaps = sum(abs(flat[at].mean() - hits[at].mean()) * at.sum() for at in inside)
    return {
        "ap50": float(precision[hits[order]].sum() / max(truth, 1)),
        "recall30": float(np.mean(best >= 0.3)) if truth else 0.0,
        "recall50": float(np.mean(best >= 0.5)) if truth else 0.0,
        "false": float(np.sum(~hits & (flat >= threshold)) / len(answers)),
        "empty": float(np.mean(empty)) if empty else 0.0,
        "ece": float(gaps / max(counted.sum(), 1)),
    }


def chosen_threshold(answers: list[Answer], calibration: tuple[float, float]) -> float:
    """The lowest confidence, in steps of 0.01, at which false boxes and boxes on empty pictures are rare enough."""
    for threshold in np.arange(0.15, 0.8, 0.01):
        row = figures(answers, calibration, float(threshold))
        if row["false"] <= FALSE_A_PICTURE and row["empty"] <= EMPTY_SHARE:
            return round(float(threshold), 2)
    return 0.8
