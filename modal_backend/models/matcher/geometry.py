"""Which matches of two crops lie as on one animal's side: one plane seen twice, give or take its roundness."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# In pixels of crops whose longest side is 576: an animal's side is no plane, and it bends.
REACH = 32.0
FEWEST = 5
ROUNDS = 500


def consistent(here: NDArray[np.float32], there: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each match follows the homography that most matches follow.

    Args:
        here: (n, 2) x, y of the matched points in pixels of the query's resized crop.
        there: (n, 2) of their partners in the candidate's.

    Returns:
        (n,) True where a match lands within REACH of its partner; all False with fewer than FEWEST matches.
    """
    none = np.zeros(len(here), bool)
    if len(here) < FEWEST:
        return none
    _, follows = cv2.findHomography(here, there, cv2.RANSAC, REACH, maxIters=ROUNDS)
    return none if follows is None else np.asarray(follows.ravel(), bool)
