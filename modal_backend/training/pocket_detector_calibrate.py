"""From held-out answers to confidences: which boxes hit, the logistic calibrations, the figures at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from modal_backend.models.detectors.agreement import Calibrations, confidences, joined
from modal_backend.models.detectors.overlap import pairwise_overlap
from modal_backend.models.detectors.pocket_detector import (
    HEAD_GRAPH,
    PocketDetector,
    candidates,
    features_of,
    halved_inside,
    kept_boxes,
    other_opinions,
)
from modal_backend.models.onnx_graph import Graph, Weights
from modal_backend.training.pocket_detector_data import CATEGORIES, SEEN_BY_COCO, Sample

COUNTED_FROM = 0.0025
ROUNDS = 5
# Which boxes stay depends on the calibrations: the first ones, made better in ROUNDS rounds.
FIRST: Calibrations = np.array([[1.0, 0.25, 0.25, 0.25, 0.25, 0.0, 0.0]] * len(CATEGORIES))
Scores = NDArray[np.float64]
Candidates = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's boxes for one picture it has not seen, best first.

    Attributes:
        kinds: (n) places in CATEGORIES. evidence: (n, 6) for the box's own category. confidence: (n).
        overlap: (n, m) with the marked boxes.
    """

    sample: Sample
    kinds: NDArray[np.int64]
    evidence: Scores
    confidence: Scores
    overlap: Scores

    def hits(self, strictness: float = 0.5) -> NDArray[np.bool_]:
        """Whether each box hits a marked box of its category that no better one has taken."""
        same = self.kinds[:, None] == self.sample.boxes[None, :, 4]
        free, hit = np.ones(self.overlap.shape[1], bool), np.zeros(len(self.kinds), bool)
        for index, row in enumerate(np.where(same, self.overlap, -1)):
            left = np.where(free, row, -1)
            if len(left) and left.max() >= strictness:
                hit[index] = True
                free[int(left.argmax())] = False
        return hit


def found_by(heads: Sequence[Weights], samples: Sequence[Sample]) -> list[Candidates]:
    """What the mean of the heads and the networks trained on COCO find on each sample: boxes and evidence."""
    graphs = [Graph(HEAD_GRAPH, head) for head in heads]
    found = []
    for sample in samples:
        prepared = PocketDetector.prepare(sample.picture())
        views = [features_of(view) for view in (prepared.fine, prepared.coarse)]
        outputs = [np.mean([graph(*maps)[0] for graph in graphs], axis=0) for maps in views]
        found.append(joined(candidates(outputs[0], outputs[1], prepared), other_opinions(prepared)))
    return found


def answers_of(found: Sequence[Candidates], samples: Sequence[Sample], calibrations: Calibrations) -> list[Answer]:
    """The boxes that stay at these calibrations, as the detector chooses them."""
    answers = []
    for (boxes, evidence), sample in zip(found, samples, strict=True):
        sure_of = confidences(evidence, calibrations)
        kinds, confidence = sure_of.argmax(axis=1), sure_of.max(axis=1)
        pairs = halved_inside(boxes, confidence, kinds, kept_boxes(boxes, confidence, kinds))
        pairs.sort(key=lambda pair: -pair[1])
        kept = np.array([index for index, _ in pairs], int)
        overlap = pairwise_overlap(boxes[kept], sample.boxes[:, :4] / (sample.size * 2))
        own = evidence[kept, kinds[kept]].astype(float)
        answers.append(Answer(sample, kinds[kept], own, np.array([sure for _, sure in pairs]), overlap))
    return answers


def calibrated(found: Sequence[Candidates], samples: Sequence[Sample]) -> Calibrations:
    """Weights of the evidence and offset (3, 7) of the logistic function to each category's rate of hits (Platt 1999).

    Pictures that the networks trained on COCO have seen say nothing of them and are passed over.
    """
    unseen = [(each, sample) for each, sample in zip(found, samples, strict=True) if sample.source not in SEEN_BY_COCO]
    calibrations = FIRST
    for _ in range(ROUNDS):
        answers = answers_of([each for each, _ in unseen], [sample for _, sample in unseen], calibrations)
        calibrations = np.array([_fitted(answers, kind) for kind in range(len(CATEGORIES))])
    return calibrations


def _fitted(answers: Sequence[Answer], kind: int) -> list[float]:
    able = [(answer, answer.kinds == kind) for answer in answers if answer.sample.labelled[kind]]
    evidence = np.concatenate([answer.evidence[own] for answer, own in able])
    hits = np.concatenate([answer.hits()[own] for answer, own in able])
    confidence = np.concatenate([answer.confidence[own] for answer, own in able])
    counted = confidence > COUNTED_FROM
    model = LogisticRegression(C=10.0).fit(evidence[counted], hits[counted])
    return [*model.coef_[0].tolist(), float(model.intercept_[0])]


def figures(answers: Sequence[Answer], kind: int, threshold: float) -> dict[str, float]:
    """A category's AP50, recall at IoU 0.5, false boxes a picture, share of empty pictures with a box and calibration
    error, and the share of the other categories' marked boxes that it was given to (confused)."""
    able = [a for a in answers if a.sample.labelled[kind]]
    mine = [a.kinds == kind for a in able]
    shown = [m & (a.confidence >= threshold) for a, m in zip(able, mine, strict=True)]
    hits = np.concatenate([a.hits()[m] for a, m in zip(able, mine, strict=True)])
    confidence = np.concatenate([a.confidence[m] for a, m in zip(able, mine, strict=True)])
    marked = [a.sample.boxes[:, 4] == kind for a in able]
    reached = [a.overlap[s].max(axis=0, initial=0) >= 0.5 for a, s in zip(able, shown, strict=True)]
    truth = sum(int(m.sum()) for m in marked)
    other = sum(int((~m).sum()) for m in marked)
    empty = [bool(s.any()) for a, s in zip(able, shown, strict=True) if not len(a.sample.boxes)]
    return {
        "boxes": truth,
        "ap50": average_precision(confidence, hits, truth),
        "recall50": sum(int((r & m).sum()) for r, m in zip(reached, marked, strict=True)) / max(truth, 1),
        "false": float(np.sum(~hits & (confidence >= threshold)) / max(len(able), 1)),
        "empty": float(np.mean(empty)) if empty else 0.0,
        "ece": calibration_error(confidence, hits),
        "confused": sum(int((r & ~m).sum()) for r, m in zip(reached, marked, strict=True)) / max(other, 1),
    }


def average_precision(confidence: Scores, hits: NDArray[np.bool_], truth: int) -> float:
    """Area under the interpolated precision-recall curve."""
    order = np.argsort(-confidence, kind="stable")
    precision = np.cumsum(hits[order]) / np.arange(1, len(order) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(precision[hits[order]].sum() / max(truth, 1))


def calibration_error(confidence: Scores, hits: NDArray[np.bool_]) -> float:
    """Mean distance between confidence and hit rate over the bins from 0.1 up, weighted by their boxes."""
    counted = confidence >= 0.1
    bins = np.minimum((confidence * 10).astype(int), 9)
    inside = [counted & (bins == b) for b in range(1, 10) if np.any(counted & (bins == b))]
    gaps = sum(abs(confidence[at].mean() - hits[at].mean()) * at.sum() for at in inside)
    return float(gaps / max(counted.sum(), 1))
