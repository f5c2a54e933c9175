"""What makes a video restless without an animal: each changes the scene (under) or the whole frame (over)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

Picture = np.ndarray  # float32 (height, width, 3), 0 to 255


class Nuisance:
    """Does nothing; the others override what they change."""

    def under(self, picture: Picture, second: float) -> Picture:  # noqa: ARG002
        """The scene before animals are put on it."""
        return picture

    def over(self, picture: Picture, second: float) -> Picture:  # noqa: ARG002
        """The frame with its animals."""
        return picture


class Sway(Nuisance):
    """Plants: patches of the scene swing to and fro in gusts."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        h, w = video.height, video.width
        self.y, self.x = np.mgrid[0:h, 0:w].astype(np.float32)
        self.patches = [
            (rng.uniform(0, w), rng.uniform(0.1, 0.9) * h, rng.uniform(0.08, 0.25) * w, rng.uniform(0.1, 0.3) * h,
             rng.uniform(0.006, 0.02) * w, rng.uniform(0.3, 1.2), rng.uniform(0, 6))
            for _ in range(rng.integers(1, 4))
        ]  # fmt: skip

    def under(self, picture: Picture, second: float) -> Picture:
        dx = np.zeros_like(self.x)
        for cx, cy, wide, high, reach, rate, phase in self.patches:
            weight = np.exp(-(((self.x - cx) / wide) ** 2) - ((self.y - cy) / high) ** 2)
            gust = 0.5 + 0.5 * np.sin(0.7 * second + phase)
            dx += reach * gust * weight * np.sin(2 * np.pi * rate * second + phase + self.y / high)
        return cv2.remap(picture, self.x + dx, self.y + 0.3 * dx, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


class Leaf(Nuisance):
    """A leaf or a blade of grass right before the lens, out of focus, that swings into the frame."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.w, self.h = video.width, video.height
        self.at = (rng.choice([0.0, 1.0]), rng.uniform(0.2, 0.9))
        self.size, self.tone = rng.uniform(0.12, 0.3), rng.uniform(20, 120, 3)
        self.rate, self.phase, self.reach = rng.uniform(0.15, 0.8), rng.uniform(0, 6), rng.uniform(0.05, 0.2)

    def over(self, picture: Picture, second: float) -> Picture:
        sway = np.sin(2 * np.pi * self.rate * second + self.phase) * (0.6 + 0.4 * np.sin(0.9 * second))
        mask = np.zeros((self.h, self.w), np.float32)
        centre = int((self.at[0] + self.reach * sway) * self.w), int(self.at[1] * self.h)
        axes = max(int(self.size * self.w), 2), max(int(0.25 * self.size * self.w), 2)
        cv2.ellipse(mask, centre, axes, 25 + 20 * sway, 0, 360, 1.0, -1)
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.012 * self.w, 0.6))[..., None] * 0.9
        return picture * (1 - mask) + self.tone.astype(np.float32) * mask


class Falling(Nuisance):
    """Rain as streaks, snow as flakes."""

    def __init__(self, rng: np.random.Generator, video: Any, snow: bool) -> None:
        self.w, self.h, self.snow = video.width, video.height, snow
        count = int(rng.integers(30, 150))
        self.start, self.pace = rng.uniform(0, 1, (count, 2)), rng.uniform(0.15, 0.5, count) * (1 if snow else 6)
        self.size = rng.uniform(0.6, 2.0, count) * self.w / 480

    def over(self, picture: Picture, second: float) -> Picture:
        layer = np.zeros((self.h, self.w), np.float32)
        for (x, y), pace, size in zip(self.start, self.pace, self.size, strict=True):
            drift = 0.03 * np.sin(2 * second + 9 * x) if self.snow else 0.05 * second
            at = int(((x + drift) % 1) * self.w), int(((y + pace * second) % 1) * self.h)
            if self.snow:
                cv2.circle(layer, at, max(int(size), 1), 1.0, -1)
            else:
                cv2.line(layer, at, (at[0] + int(size), at[1] + int(0.05 * self.h)), 0.6, 1)
        layer = cv2.GaussianBlur(layer, (0, 0), 0.6)[..., None] * 0.7
        return picture * (1 - layer) + 235 * layer


class Insects(Nuisance):
    """Bright specks in the infrared light that dart about."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.w, self.h = video.width, video.height
        self.flights = [
            (rng.uniform(0, video.seconds), rng.uniform(0, 1, 2), rng.normal(0, 0.7, 2), rng.uniform(0.006, 0.02))
            for _ in range(rng.integers(4, 14))
        ]
        self.wobble = rng.uniform(3, 9)

    def over(self, picture: Picture, second: float) -> Picture:
        layer = np.zeros((self.h, self.w), np.float32)
        for begins, at, pace, size in self.flights:
            gone = second - begins
            if 0 <= gone < 1.5:
                x, y = at + pace * gone + 0.04 * np.sin(self.wobble * gone + np.arange(2))
                cv2.circle(layer, (int(x * self.w), int(y * self.h)), max(int(size * self.w), 1), 1.0, -1)
        layer = cv2.GaussianBlur(layer, (0, 0), max(0.004 * self.w, 0.5))[..., None] * 0.8
        return picture * (1 - layer) + 245 * layer


class Exposure(Nuisance):
    """The camera changes its exposure once or twice, at a stroke or within a second."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.steps = [
            (rng.uniform(0.3, video.seconds - 1), rng.choice([0.65, 0.8, 1.25, 1.5]), rng.choice([0.05, 0.8]))
            for _ in range(rng.integers(1, 3))
        ]

    def over(self, picture: Picture, second: float) -> Picture:
        for at, gain, within in self.steps:
            picture = picture * (1 + (gain - 1) * min(max((second - at) / within, 0.0), 1.0))
        return picture


class StartText(Nuisance):
    """The words a camera shows while it starts."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.until, self.w, self.h = rng.uniform(0.7, 1.6), video.width, video.height

    def over(self, picture: Picture, second: float) -> Picture:
        if second > self.until:
            return picture
        shown = _drawable(picture)
        at, size = (int(0.3 * self.w), int(0.5 * self.h)), self.w / 500
        cv2.putText(shown, "CAM 07  REC", at, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), max(int(2 * size), 1))
        return shown.astype(np.float32)


class Bar(Nuisance):
    """A burnt-in bar with running seconds."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.h, self.tone = video.height, float(rng.choice([0.0, 245.0]))

    def over(self, picture: Picture, second: float) -> Picture:
        shown, high = _drawable(picture), max(self.h // 16, 6)
        shown[-high:] = self.tone
        text, ink = f"2024-05-11  06:41:{int(second) % 60:02d}  12C", 255.0 - self.tone
        cv2.putText(shown, text, (4, self.h - high // 4), cv2.FONT_HERSHEY_SIMPLEX, high / 34, (ink, ink, ink), 1)
        return shown.astype(np.float32)


def _drawable(picture: Picture) -> np.ndarray:
    return np.ascontiguousarray(picture.clip(0, 255).astype(np.uint8))


class Shadow(Nuisance):
    """Soft shadows of clouds or trees that drift over the ground."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.y, self.x = np.mgrid[0 : video.height, 0 : video.width].astype(np.float32)
        self.w, self.h = video.width, video.height
        self.blobs = [
            (
                rng.uniform(-0.2, 1.2),
                rng.uniform(0.3, 1.0),
                rng.normal(0, 0.08),
                rng.uniform(0.06, 0.3),
                rng.uniform(0.2, 0.5),
            )
            for _ in range(rng.integers(1, 4))
        ]

    def under(self, picture: Picture, second: float) -> Picture:
        for x, y, pace, size, dark in self.blobs:
            off = ((self.x / self.w - x - pace * second) / size) ** 2 + ((self.y / self.h - y) / (0.5 * size)) ** 2
            picture = picture * (1 - dark / (1 + np.exp(np.minimum(6 * (off - 1), 50))))[..., None]
        return picture


class Water(Nuisance):
    """A stretch of water that glitters and ripples."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.top, self.h, self.w = rng.uniform(0.5, 0.8), video.height, video.width
        self.y, self.x = np.mgrid[0 : video.height, 0 : video.width].astype(np.float32)
        self.rng, self.glitter = rng, np.zeros((max(video.height // 8, 4), max(video.width // 8, 4)), np.float32)

    def under(self, picture: Picture, second: float) -> Picture:
        self.glitter = 0.7 * self.glitter + self.rng.normal(0, 14, self.glitter.shape).astype(np.float32)
        wave = 0.006 * self.w * np.sin(0.25 * self.y * 480 / self.h + 4 * second)
        moved = cv2.remap(picture, self.x + wave, self.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        moved = moved + cv2.resize(self.glitter, (self.w, self.h))[..., None]
        inside = (1 / (1 + np.exp(-(self.y / self.h - self.top) * 40)))[..., None]
        return picture * (1 - inside) + moved * inside


class Pan(Nuisance):
    """A camera that is carried: the scene moves through the frame, and trembles."""

    def __init__(self, rng: np.random.Generator, video: Any) -> None:
        self.w, self.h = video.width, video.height
        self.pace = float(rng.choice([-1, 1]) * rng.uniform(0.03, 0.12))
        self.rng, self.off = rng, np.zeros(2)

    def under(self, picture: Picture, second: float) -> Picture:
        self.off = 0.8 * self.off + self.rng.normal(0, 0.003 * self.w, 2)
        wide = np.concatenate([picture, picture[:, ::-1]], 1)
        left = int(self.pace * second * self.w + self.off[0]) % wide.shape[1]
        return np.roll(np.roll(wide, -left, 1)[:, : self.w], int(self.off[1]), 0)


NUISANCES: dict[str, Callable[[np.random.Generator, Any], Nuisance]] = {
    "sway": Sway,
    "leaf": Leaf,
    "rain": lambda rng, video: Falling(rng, video, snow=False),
    "snow": lambda rng, video: Falling(rng, video, snow=True),
    "insects": Insects,
    "exposure": Exposure,
    "start text": StartText,
    "bar": Bar,
    "shadow": Shadow,
    "water": Water,
    "pan": Pan,
}
