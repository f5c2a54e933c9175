"""The card beside the pocket detector's weights: what they were made of, how well they do, how to make them again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modal_backend.training.pocket_detector_calibrate import Answer, figures
from modal_backend.training.pocket_detector_data import CATEGORIES, Sample

DRAWS = 60
SHOWN = ("ap50", "recall50", "false", "empty", "ece", "confused")
LIMITS = (
    "## Where it fails",
    "",
    "People and vehicles under 4 % of the picture are mostly missed; so are vehicles that are seen in part.",
    "Animals that hide, are far away or are no mammal or bird are found less often than the figures say.",
    "No picture of a person in infrared was at hand: photographs were turned into such.",
    "Of the people on them, held out, .92 are found where they cover over 1 % of the picture.",
)
COMMAND = "python -m modal_backend.training.pocket_detector --data DIR --out FILE"


def write_card(
    weights: Path,
    samples: Sequence[Sample],
    answers: Sequence[Answer],
    thresholds: dict[str, float],
    licences: dict[str, str],
) -> None:
    """Write the card of a weights file beside it, from the answers about sources the heads had not seen."""
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    lines = [
        "# Pocket detector",
        "",
        f"SHA-256 `{digest}`. Made by `{COMMAND}`.",
        "Heads on the frozen EfficientNet-Lite2 (ImageNet, Apache-2.0); licence of the heads: MIT.",
        "Opinions of MobileNetV3 CenterNet and of NanoDet-g (COCO, Apache-2.0): training/coco_centernet.py,",
        "training/coco_nanodet.py.",
        "",
        "## Data",
        "",
        "| source | pictures | without a box | " + " | ".join(CATEGORIES) + " | licence |",
        "|---" * (4 + len(CATEGORIES)) + "|",
        *_sources(samples, licences),
        "",
        "## Figures",
        "",
        "Of each source by a head that had seen no picture of it (three folds by source), at the default threshold; in",
        "brackets the 95 % interval over pictures (bootstrap). False: boxes a picture. Empty: share of the pictures",
        "without a box that got one. Confused: share of the other categories' boxes that were given this category.",
        "coco128_train is of the pictures that these two were trained on: its figures are too good.",
        "",
        *_figures(answers, thresholds),
        *LIMITS,
        "",
    ]
    weights.with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


def _sources(samples: Sequence[Sample], licences: dict[str, str]) -> list[str]:
    rows = []
    for source in sorted(licences):
        own = [sample for sample in samples if sample.source == source]
        counts = [sum(int((s.boxes[:, 4] == kind).sum()) for s in own) for kind in range(len(CATEGORIES))]
        shown = [str(n) if any(s.labelled[k] for s in own) else "not marked" for k, n in enumerate(counts)]
        empty = sum(not len(s.boxes) for s in own)
        rows.append(f"| {source} | {len(own)} | {empty} | {' | '.join(shown)} | {licences[source]} |")
    return rows


def _figures(answers: Sequence[Answer], thresholds: dict[str, float]) -> list[str]:
    lines = []
    for kind, name in enumerate(CATEGORIES):
        lines += [f"### {name}, threshold {thresholds[name]}", "", "| source | boxes | " + " | ".join(SHOWN) + " |"]
        lines += ["|---" * (2 + len(SHOWN)) + "|"]
        traps = [answer for answer in answers if answer.sample.camera_trap]
        groups = {"all": list(answers), "camera traps": traps}
        for source in sorted({answer.sample.source for answer in answers if answer.sample.labelled[kind]}):
            groups[source] = [answer for answer in answers if answer.sample.source == source]
        lines += [_row(label, group, kind, thresholds[name]) for label, group in groups.items()]
        lines.append("")
    return lines


def _row(label: str, answers: Sequence[Answer], kind: int, threshold: float) -> str:
    value = figures(answers, kind, threshold)
    rng = np.random.default_rng(0)
    draws = [
        figures([answers[i] for i in rng.integers(len(answers), size=len(answers))], kind, threshold)
        for _ in range(DRAWS)
    ]
    cells = []
    for name in SHOWN:
        if name in ("ap50", "recall50") and not value["boxes"]:
            cells.append("")
            continue
        low, high = np.percentile([draw[name] for draw in draws], [2.5, 97.5])
        cells.append(f"{value[name]:.2f} ({low:.2f}-{high:.2f})")
    return f"| {label} | {value['boxes']} | {' | '.join(cells)} |"
