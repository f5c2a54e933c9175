"""Fitting one box head on stored features: quality focal loss for the categories' logits, GIoU for the box."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from modal_backend.models.detectors.pocket_detector import STRIDE
from modal_backend.training.box_head import BoxHead, boxes_of
from modal_backend.training.pocket_detector_augment import HEIGHT, WIDTH, Boxes
from modal_backend.training.pocket_detector_data import CATEGORIES
from modal_backend.training.pocket_detector_store import FeatureStore

BATCH, PEAK_RATE, DECAY = 16, 2e-3, 0.05
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CENTRE = 0.5


@dataclass(frozen=True, slots=True)
class Targets:
    """What the cells of a picture are trained towards.

    Attributes:
        weight: (3, h, w) of each category's loss in a cell; 0 where it may be there unmarked.
        owner: (h, w) index of the box a cell answers for, -1 for none.
    """

    weight: NDArray[np.float32]
    owner: NDArray[np.int64]


def targets_of(boxes: Boxes, labelled: NDArray[np.bool_]) -> Targets:
    """Cells in the middle half of a box (at least the nearest one) answer for it, smaller boxes first; the rest of a
    box counts less as background than what lies outside all boxes.

    A cell that answers for a box is none of the other categories; elsewhere only the labelled ones (3,) are background.
    """
    high, wide = HEIGHT // STRIDE, WIDTH // STRIDE
    weight = np.ones((len(CATEGORIES), high, wide), np.float32)
    owner = np.full((high, wide), -1)
    x = (np.arange(wide) + 0.5) * STRIDE
    y = ((np.arange(high) + 0.5) * STRIDE)[:, None]
    for left, top, right, bottom, category in boxes:
        weight[int(category), (x > left) & (x < right) & (y > top) & (y < bottom)] = 0.4
    weight[~labelled] = 0
    areas = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    for index in np.argsort(-areas):
        left, top, right, bottom = boxes[index, :4]
        middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
        near_x = np.abs(x - middle_x) <= max(CENTRE * (right - left) / 2, STRIDE / 2)
        near_y = np.abs(y - middle_y) <= max(CENTRE * (bottom - top) / 2, STRIDE / 2)
        owner[near_x & near_y] = index
    weight[:, owner >= 0] = 1
    return Targets(weight, owner)


def overlaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union and its generalised form (Rezatofighi et al., CVPR 2019) of paired boxes (n, 4)."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    joined = (first[:, 2:] - first[:, :2]).prod(1) + (second[:, 2:] - second[:, :2]).prod(1) - shared
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(1)
    overlap = shared / joined.clamp(min=1e-6)
    return overlap, overlap - (hull - joined) / hull.clamp(min=1e-6)


def loss_of(answer: Tensor, wanted: list[tuple[Targets, Boxes]]) -> Tensor:
    """Quality focal loss (Li et al., NeurIPS 2020; target: the overlap reached) plus GIoU, per answering cell."""
    answer = answer.float()
    weight = torch.from_numpy(np.stack([target.weight for target, _ in wanted])).to(answer.device)
    owner = torch.from_numpy(np.stack([target.owner for target, _ in wanted])).to(answer.device)
    at = owner >= 0
    given = torch.cat([torch.from_numpy(boxes[target.owner[target.owner >= 0]]) for target, boxes in wanted])
    given = given.to(answer.device)
    quality = torch.zeros_like(weight)
    box_loss = answer.sum() * 0
    count = max(int(at.sum()), 1)
    if at.any():
        overlap, generalised = overlaps(boxes_of(answer)[at], given[:, :4])
        picture, row, column = at.nonzero(as_tuple=True)
        quality[picture, given[:, 4].long(), row, column] = overlap.detach().clamp(min=0.3)
        box_loss = (1 - generalised).sum() / count
    logit = answer[:, : len(CATEGORIES)]
    off = (quality - logit.sigmoid()).abs() ** 2
    category = functional.binary_cross_entropy_with_logits(logit, quality, reduction="none") * off * weight
    return category.sum() / count + 1.5 * box_loss


def fitted(store: FeatureStore, epochs: float, seed: int) -> BoxHead:
    """A head fitted on the store; the average of its weights over the steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    head = BoxHead().to(memory_format=torch.channels_last).to(DEVICE).train()
    average = copy.deepcopy(head).eval()
    usable = store.usable
    wanted = {int(i): (targets_of(store.boxes(i), store.labelled[i]), store.boxes(i)) for i in usable}
    steps = int(len(usable) * epochs / BATCH)
    optimiser = torch.optim.AdamW(head.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps + 1, pct_start=0.15)
    order: list[int] = []
    running = 0.0
    for step in range(steps):
        if len(order) < BATCH:
            order += rng.permutation(usable).tolist()
        chosen, order = np.array(order[:BATCH]), order[BATCH:]
        value = _step(head, optimiser, store.batch(chosen), [wanted[int(i)] for i in chosen], rng)
        schedule.step()
        keep = min(0.997, (step + 1) / (step + 20))
        for mean, now in zip(average.parameters(), head.parameters(), strict=True):
            mean.data.lerp_(now.data, 1 - keep)
        running = 0.98 * running + 0.02 * value
        if step % 100 == 99:
            print(
                f"step {step + 1}/{steps} loss {running / (1 - 0.98 ** (step + 1)):.3f}",
                flush=True,
            )
    return average.cpu()


def _step(
    head: BoxHead,
    optimiser: torch.optim.Optimizer,
    features: list[Tensor],
    wanted: list[tuple[Targets, Boxes]],
    rng: np.random.Generator,
) -> float:
    features = [_thinned(part, rng).to(DEVICE) for part in features]
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        answer = head(*features)
    value = loss_of(answer, wanted)
    optimiser.zero_grad(set_to_none=True)
    value.backward()
    torch.nn.utils.clip_grad_norm_(head.parameters(), 5.0)
    optimiser.step()
    return float(value.detach())


def _thinned(part: Tensor, rng: np.random.Generator) -> Tensor:
    """A tenth of the channels of each picture set to zero, the rest scaled up."""
    keep = torch.from_numpy((rng.random((*part.shape[:2], 1, 1)) > 0.1).astype(np.float32) / 0.9)
    return (part.bfloat16() * keep.bfloat16()).contiguous(memory_format=torch.channels_last)
