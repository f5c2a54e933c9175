"""Generated coats: one seed is one animal; every picture of it is moved and lit a little differently."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from modal_backend.contracts import Picture

WIDTH, HEIGHT = 320, 200


def picture(animal: int, shot: int) -> Picture:
    """RGB crop (200, 320, 3) of a striped animal."""
    coat = np.random.default_rng(animal)
    noise = cv2.GaussianBlur(coat.normal(size=(HEIGHT + 80, WIDTH + 80)), (0, 0), sigmaX=4, sigmaY=11)
    stripes = np.where(noise > 0, 200.0, 60.0)
    shading = cv2.GaussianBlur(coat.normal(size=noise.shape), (0, 0), sigmaX=30)
    coat_image = stripes + 400 * shading

    camera = np.random.default_rng([animal, shot])
    turn = cv2.getRotationMatrix2D((200, 140), camera.uniform(-6, 6), camera.uniform(0.92, 1.08))
    turn[:, 2] += camera.uniform(-8, 8, size=2) - 40
    shot_image = cv2.warpAffine(coat_image, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    shot_image = shot_image * camera.uniform(0.7, 1.2) + camera.uniform(-20, 20)
    shot_image = cv2.GaussianBlur(shot_image, (0, 0), sigmaX=0.8) + camera.normal(scale=4, size=shot_image.shape)
    grey = np.clip(shot_image, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def card(folder: Path) -> Path:
    """A new folder with a picture of each of three animals, as a memory card holds them."""
    folder.mkdir()
    for animal in range(3):
        Image.fromarray(picture(animal, 0)).save(folder / f"{animal}.jpg", quality=95)
    return folder
