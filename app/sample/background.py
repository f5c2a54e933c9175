"""The fixed view of a station: sky, hills, forest edge, ground and plants, the same by day and by night."""

from __future__ import annotations

import numpy as np

from app.sample.noise import Field, blurred, fractal, sampled, smoothstep
from app.sample.plants import CAMERA_HEIGHT, Canvas, grass, leaves, trunk

FOCAL = 1100.0
KINDS = ("Ridge", "Ford", "Salt lick", "Old road")
SKY = np.array((0.62, 0.72, 0.80), np.float32)
GRASS = {
    "Ridge": (0.40, 0.33, 0.13), "Ford": (0.17, 0.25, 0.07),
    "Salt lick": (0.25, 0.26, 0.09), "Old road": (0.21, 0.27, 0.08),
}  # fmt: skip
SOIL = {
    "Ridge": (0.34, 0.26, 0.15), "Ford": (0.24, 0.21, 0.15),
    "Salt lick": (0.42, 0.35, 0.26), "Old road": (0.33, 0.25, 0.17),
}  # fmt: skip


def view(rng: np.random.Generator, kind: str, width: int, height: int) -> Canvas:
    """The scenery of one station of a kind (see KINDS), float reflectance and depth, plants included."""
    horizon = height * {"Ridge": 0.42}.get(kind, 0.36)
    canvas = Canvas(np.empty((height, width, 3), np.float32), np.zeros((height, width), np.float32), horizon)
    _sky(canvas, rng)
    if kind == "Ridge":
        _hills(canvas, rng)
    _forest_edge(canvas, rng, 0.07 if kind == "Ridge" else 0.42)
    density = _ground(canvas, rng, kind)
    meadow = Canvas(canvas.colour.copy(), canvas.foot.copy(), horizon)
    _trees(canvas, rng, kind)
    count = {"Ridge": 9000, "Salt lick": 5000}.get(kind, 6500)
    grass(meadow, rng, count, 0.30 if kind == "Ridge" else 0.22, GRASS[kind], density)
    nearer = meadow.foot > canvas.foot
    canvas.colour[nearer] = meadow.colour[nearer]
    canvas.foot[nearer] = meadow.foot[nearer]
    canvas.colour = np.clip(blurred(canvas.colour, 0.55), 0.004, 1)
    return canvas


def _sky(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.foot.shape
    cloud = smoothstep(0.45, 0.75, fractal(rng, height, width, 340, octaves=5, stretch=0.4))
    up = np.linspace(1, 0, height, dtype=np.float32)[:, None, None]
    canvas.colour[:] = SKY - up * np.array((0.22, 0.12, 0.02), np.float32)
    canvas.colour += 0.7 * cloud[..., None] * (np.float32(0.9) - canvas.colour)


def _hills(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.foot.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    for i, tone in enumerate(((0.44, 0.54, 0.60), (0.31, 0.40, 0.40), (0.20, 0.27, 0.20))):
        crest = fractal(rng, 2, width, 420 - 90 * i, octaves=6)[0]
        line = canvas.horizon - (150 - 42 * i) + (crest - 0.5) * (190 - 40 * i)
        wood = 0.8 + 0.4 * fractal(rng, height, width, 18 - 4 * i, octaves=3)
        cover = smoothstep(-1, 1, rows - line)
        canvas.colour += cover[..., None] * (np.array(tone, np.float32) * wood[..., None] - canvas.colour)
        canvas.foot[cover > 0.5] = canvas.horizon + 0.6 + 0.4 * i


def _forest_edge(canvas: Canvas, rng: np.random.Generator, share: float) -> None:
    """Layers of foliage behind the clearing; `share` of the picture's height above the horizon."""
    height, width = canvas.foot.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    for i in range(3):
        ragged = fractal(rng, 2, width, 210, octaves=6)[0] - 0.5
        line = canvas.horizon - height * share * (1 - 0.27 * i) + ragged * height * share * 0.9
        lump = fractal(rng, height, width, 90 - 20 * i, octaves=5)
        leaf = fractal(rng, height, width, 11, octaves=3)
        light = smoothstep(0.35, 0.68, lump) * (0.25 + 1.5 * smoothstep(0.35, 0.75, leaf))
        tone = np.array(((0.22, 0.28, 0.15), (0.15, 0.21, 0.085), (0.11, 0.16, 0.055))[i], np.float32)
        cover = smoothstep(-2, 2, rows - line + (leaf - 0.5) * 60)
        canvas.colour += cover[..., None] * (tone * (0.30 + 0.95 * light)[..., None] - canvas.colour)
        canvas.foot[cover > 0.5] = canvas.horizon + 8 + 6 * i


def _ground(canvas: Canvas, rng: np.random.Generator, kind: str) -> Field:
    """Paints the ground; returns where grass grows, (h, w) 0 to 1."""
    height, width = canvas.foot.shape
    x, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    scale = np.maximum(row - canvas.horizon, 1.0) / np.float32(CAMERA_HEIGHT)
    east, north = (x - width / 2) / scale, FOCAL / scale
    fine = sampled(fractal(rng, 1024, 1024, 40, octaves=6), east * 110 + 512, north * 60)
    broad = sampled(fractal(rng, 1024, 1024, 120, octaves=5), east * 45 + 512, north * 45)
    litter = sampled(fractal(rng, 1024, 1024, 9, octaves=3), east * 160 + 512, north * 110)
    bare = smoothstep(0.48, 0.62, broad)
    if kind == "Old road":
        bend = 0.9 * np.sin(north / 7.0)
        bare = np.maximum(0.4 * bare, np.exp(-(((np.abs(east - bend) - 0.75) / 0.33) ** 2)))
    elif kind == "Salt lick":
        bare = np.maximum(bare, smoothstep(0.0, 0.5, 1.15 - np.hypot(east / 3.2, (north - 4.6) / 3.0) + broad - 0.5))
    else:
        trail = np.exp(-(((north - 4.6 - 0.5 * np.sin(east)) / 0.9) ** 2))
        bare = np.maximum(bare * 0.8, 0.9 * trail)
    green = np.array(GRASS[kind], np.float32) * 0.8
    soil = np.array(SOIL[kind], np.float32)
    tone = (green + bare[..., None] * (soil - green)) * (0.35 + 0.85 * fine + 0.5 * (litter - 0.5))[..., None]
    if kind == "Ford":
        tone, bank = _water(canvas, rng, tone, east, north)
        bare = np.maximum(bare, bank)
    cover = smoothstep(0, 5, row - canvas.horizon - 6)
    canvas.colour += cover[..., None] * (tone - canvas.colour)
    canvas.foot = np.where(cover > 0.5, row, canvas.foot).astype(np.float32)
    return np.asarray(np.clip(1.05 - 0.98 * bare, 0, 1) * smoothstep(0.25, 0.6, 1 - broad * 0.7), np.float32)


def _water(canvas: Canvas, rng: np.random.Generator, tone: Field, east: Field, north: Field) -> tuple[Field, Field]:
    height, width = canvas.foot.shape
    shore = north - 6.8 - 0.8 * np.sin(east / 2.2) + (fractal(rng, height, width, 60) - 0.5) * 2
    wide = smoothstep(0, 0.9, 6.5 - shore)
    wet = smoothstep(0, 0.4, shore) * wide
    x, row = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    ripple = fractal(rng, height, width, 24, octaves=3, stretch=0.16) - 0.5
    mirror = sampled(canvas.colour, x + ripple * 26, 2 * canvas.horizon - row * 1.0 + ripple * 30)
    water = mirror * np.float32(0.75) + (0.07 + 0.22 * ripple)[..., None] * SKY
    stones = smoothstep(0.62, 0.68, fractal(rng, height, width, 34, octaves=3, stretch=0.5)) * (
        np.abs(shore - 0.3) < 0.9
    )
    tone = tone + wet[..., None] * (water - tone)
    return tone + 0.8 * stones[..., None] * (np.float32(0.33) - tone), smoothstep(-1.2, -0.2, shore) * wide


def _trees(canvas: Canvas, rng: np.random.Generator, kind: str) -> None:
    height, width = canvas.foot.shape
    count = 3 if kind == "Ridge" else 13
    depth = np.sort(rng.random(count) ** 1.8)
    for share in depth:
        row = canvas.horizon + 26 + share * (height * 0.80 - canvas.horizon)
        clear = 0.34 if kind == "Ridge" or share > 0.3 else 0.22 if share > 0.12 else 0.0
        x = width * (0.5 + rng.choice((-1, 1)) * rng.uniform(clear, 0.52))
        trunk(canvas, rng, x, row, float(rng.uniform(0.12, 0.30)))
        scale = canvas.scale(row)
        if rng.random() < 0.75:
            at = (x + rng.normal(0, 0.6) * scale, row - 0.18 * scale)
            leaves(
                canvas,
                rng,
                at,
                (0.55 * scale, 0.28 * scale),
                row + 0.06 * scale,
                170,
                max(0.035 * scale, 1.6),
                (0.15, 0.24, 0.06),
            )
    for _ in range(2 if kind == "Ridge" else 6):
        at = (rng.uniform(0, width), rng.uniform(-40, 60))
        leaves(canvas, rng, at, (170, 70), height * 0.72, 240, 13, (0.14, 0.23, 0.05))
