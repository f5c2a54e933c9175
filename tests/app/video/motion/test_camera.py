"""A camera that is carried is told from one that trembles and from a large animal before one that stands still."""

from __future__ import annotations

import cv2
import numpy as np

from app.video.motion.camera import CameraMotion

RATE = 10
FRAMES = 40


def texture() -> np.ndarray:
    noise = np.random.default_rng(4).integers(0, 255, (108, 600), dtype=np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


def watched(places: list[tuple[int, int]], animal: bool = False) -> CameraMotion:
    """The camera's motion over frames cut from a texture at these places, right and down."""
    scene, camera = texture(), CameraMotion()
    for number, (x, y) in enumerate(places):
        frame = scene[10 + y : 98 + y, 100 + x : 292 + x].copy()
        if animal:
            left = 3 * number
            frame[10:50, left : left + 60] = scene[20:60, 400:460]
        camera.take(number / RATE, frame)
    return camera


def test_a_camera_that_turns_moves():
    assert watched([(3 * number, 0) for number in range(FRAMES)]).moves


def test_what_stands_shifts_against_a_camera_that_turns():
    camera = watched([(3 * number, 0) for number in range(FRAMES)])
    right, down = camera.shift(0.5, 2.5)
    assert abs(right + 20 * 3 / 192) < 0.01  # 3 pixels to the left a frame
    assert abs(down) < 0.01


def test_a_camera_that_trembles_does_not_move():
    rng = np.random.default_rng(1)
    assert not watched([tuple(int(value) for value in rng.integers(-1, 2, 2)) for _ in range(FRAMES)]).moves


def test_a_large_animal_that_walks_through_does_not_move_the_camera():
    assert not watched([(0, 0)] * FRAMES, animal=True).moves


def test_frames_far_apart_and_of_another_size_cost_no_more_than_others():
    camera = watched([(3 * number, 0) for number in range(FRAMES)])
    camera.take(1e9, np.zeros((60, 80), np.uint8))
    assert camera.moves
