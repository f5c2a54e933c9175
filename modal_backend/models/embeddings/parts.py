"""Parts of a tiger cut out by its keypoints: the trunk and six limb segments. No network.

Keypoints are ATRW's 15 (Li et al., arXiv 1906.05586), in its order. The trunk's box holds nose, ears, shoulders,
hips and tail; a limb segment is the strip along a pair of keypoints, 0.3 or 0.45 of its length wide to each side, as
the description of the CVWC2019 winner gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import Picture

KEYPOINTS = (
    "left ear",
    "right ear",
    "nose",
    "right shoulder",
    "right front paw",
    "left shoulder",
    "left front paw",
    "right hip",
    "right knee",
    "right back paw",
    "left hip",
    "left knee",
    "left back paw",
    "tail",
    "center",
)
TRUNK_POINTS = ("left ear", "right ear", "nose", "right shoulder", "left shoulder", "right hip", "left hip", "tail")
FEWEST_TRUNK_POINTS = 3


@dataclass(frozen=True, slots=True)
class Limb:
    """A limb segment between two keypoints; half_width is a share of its length."""

    name: str
    start: str
    end: str
    half_width: float


LIMBS = (
    Limb("left front leg", "left shoulder", "left front paw", 0.3),
    Limb("right front leg", "right shoulder", "right front paw", 0.3),
    Limb("left thigh", "left hip", "left knee", 0.45),
    Limb("left lower leg", "left knee", "left back paw", 0.3),
    Limb("right thigh", "right hip", "right knee", 0.45),
    Limb("right lower leg", "right knee", "right back paw", 0.3),
)


def trunk(crop: Picture, points: NDArray[np.float32], seen: Sequence[bool], size: tuple[int, int]) -> Picture | None:
    """The trunk at size (height, width); None when fewer than three of its keypoints are seen.

    Args:
        points: float32 (15, 2), x and y in pixels of the crop.
        seen: whether each is there.
    """
    places = [KEYPOINTS.index(name) for name in TRUNK_POINTS]
    there = points[[place for place in places if seen[place]]]
    if len(there) < FEWEST_TRUNK_POINTS:
        return None
    height, width = crop.shape[:2]
    left, top = np.clip(np.floor(there.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(there.max(axis=0)), (left + 1, top + 1), (width, height)).astype(int)
    if right - left < 2 or bottom - top < 2:
        return None
    return _sized(crop[top:bottom, left:right], size)


def limb(
    crop: Picture, points: NDArray[np.float32], seen: Sequence[bool], which: Limb, size: tuple[int, int]
) -> Picture | None:
    """A limb segment turned upright, at size (height, width); None when one of its keypoints is not seen.

    What lies outside the crop is black.

    Args:
        points, seen: as for `trunk`.
    """
    first, last = KEYPOINTS.index(which.start), KEYPOINTS.index(which.end)
    if not (seen[first] and seen[last]):
        return None
    start, end = points[first].astype(np.float32), points[last].astype(np.float32)
    along = end - start
    if float(np.hypot(*along)) < 2:
        return None
    across = np.array([along[1], -along[0]], np.float32) * which.half_width
    height, width = size
    # The start's left and right corner and the end's left one go to the top corners and the bottom left one.
    corners = np.stack([start + across, start - across, end + across]).astype(np.float32)
    onto = np.array([[0, 0], [width, 0], [0, height]], np.float32)
    turned = cv2.warpAffine(np.ascontiguousarray(crop), cv2.getAffineTransform(corners, onto), (width, height))
    return np.asarray(turned, np.uint8)


def parts_of(crop: Picture, points: NDArray[np.float32], seen: Sequence[bool]) -> dict[str, Picture]:
    """Every part that can be cut, by name: "trunk" (64 x 128) and the limbs (64 x 64), as networks and people see them.

    Args:
        points, seen: as for `trunk`.
    """
    found = {"trunk": trunk(crop, points, seen, (64, 128))}
    found |= {segment.name: limb(crop, points, seen, segment, (64, 64)) for segment in LIMBS}
    return {name: picture for name, picture in found.items() if picture is not None}


def _sized(picture: Picture, size: tuple[int, int]) -> Picture:
    height, width = size
    interpolation = cv2.INTER_AREA if picture.shape[1] > width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=interpolation), np.uint8)
