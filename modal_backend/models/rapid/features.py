"""RAPID's first half: the local features of a crop. No network, no weights.

Written from the description in Zábó, Nagy and Ahmad (bioRxiv 10.1101/2025.07.07.663143): crop at a fixed
width, grey, min-max stretch, the strongest SIFT keypoints. `rapid_gallery` holds the second half, the vote.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from modal_backend.contracts import LocalFeatures, Picture
from modal_backend.models.sizes import to_width

NAME = "rapid"
FINE = "rapid-448"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Profile:
    """How finely a crop is read: width in pixels after resizing, and at most so many keypoints."""

    width: int
    keypoints: int


RAPID_224 = Profile(width=224, keypoints=150)
RAPID_448 = Profile(width=448, keypoints=600)

PREPROCESSING = "width 224 keep aspect, grey, min-max stretch, 150 SIFT"
PROFILES = {
    NAME: (RAPID_224, PREPROCESSING),
    FINE: (RAPID_448, "width 448 keep aspect, grey, min-max stretch, 600 SIFT"),
}


def extract(crop: Picture, profile: Profile = RAPID_224) -> LocalFeatures:
    """SIFT features of an RGB uint8 crop (height, width, 3), strongest first.

    Never raises on small or flat crops: those have no features.
    """
    grey = _prepared(crop, profile.width)
    sift = cv2.SIFT.create(nfeatures=profile.keypoints)
    keypoints, descriptors = sift.detectAndCompute(grey, None)
    height, width = grey.shape
    if not keypoints:
        return LocalFeatures(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8), width, height)
    points = np.array([(*point.pt, point.size, point.angle) for point in keypoints], np.float32)
    strength = np.array([point.response for point in keypoints])
    order = np.argsort(-strength, kind="stable")[: profile.keypoints]
    return LocalFeatures(points[order], descriptors.astype(np.uint8)[order], width, height)


def _prepared(crop: Picture, width: int) -> Picture:
    grey = cv2.cvtColor(to_width(crop, width), cv2.COLOR_RGB2GRAY)
    if int(grey.max()) - int(grey.min()) < 2:
        return np.zeros_like(grey)
    return np.asarray(cv2.normalize(grey, np.empty_like(grey), 0, 255, cv2.NORM_MINMAX), np.uint8)
