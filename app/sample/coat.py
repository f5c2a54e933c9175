"""Coats: painted sheets of colour in the rest pose, one for the body and one for each kind of limb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.sample.noise import Field, fractal, smoothstep
from app.sample.stripes import flank_stripes, limb_stripes

PER_METRE = 300
BODY_LEFT, BODY_RIGHT, BODY_TOP, BODY_BOTTOM = -0.5, 1.95, 1.5, 0.25
LIMB_SHEET = (96, 320)


@dataclass(frozen=True, slots=True)
class Coat:
    """Sheets by name, float32 (height, width, 3), linear reflectance 0 to 1."""

    sheets: dict[str, Field]


def _grid() -> tuple[Field, Field]:
    columns = np.arange(int((BODY_RIGHT - BODY_LEFT) * PER_METRE), dtype=np.float32) / PER_METRE + BODY_LEFT
    rows = BODY_TOP - np.arange(int((BODY_TOP - BODY_BOTTOM) * PER_METRE), dtype=np.float32) / PER_METRE
    x, y = np.meshgrid(columns, rows)
    return x, y


def _spot(x: Field, y: Field, cx: float, cy: float, rx: float, ry: float) -> Field:
    return smoothstep(-0.35, 0.35, 1 - np.hypot((x - cx) / rx, (y - cy) / ry))


def _mixed(base: Field, colour: tuple[float, float, float], amount: Field) -> Field:
    return base + amount[..., None] * (np.array(colour, np.float32) - base)


def _fur(rng: np.random.Generator, sheet: Field) -> Field:
    height, width = sheet.shape[:2]
    hair = fractal(rng, height, width, 9, octaves=3, stretch=0.45) - 0.5
    blotch = fractal(rng, height, width, 70, octaves=2) - 0.5
    return np.clip(sheet * (1 + 0.34 * hair + 0.16 * blotch)[..., None], 0.01, 1)


def cat_coat(rng: np.random.Generator) -> Coat:
    """The coat of one flank of a striped cat; the generator's state is the pattern."""
    x, y = _grid()
    height, width = x.shape
    warm = rng.uniform(-0.03, 0.03)
    back, side = (0.50 + warm, 0.235 + warm / 2, 0.062), (0.66 + warm, 0.36 + warm / 2, 0.11)
    white, black = (0.82, 0.76, 0.64), (0.022, 0.017, 0.014)
    edge = (fractal(rng, height, width, 60, octaves=3) - 0.5) * 0.14
    body = np.empty((height, width, 3), np.float32)
    body[:] = side
    body = _mixed(body, back, smoothstep(0.70, 0.95, y))
    belly = smoothstep(0.0, 0.10, 0.585 + edge - y) * smoothstep(0.12, 0.3, x) * smoothstep(-0.98, -0.82, -x)
    chest = smoothstep(0.0, 0.12, 0.62 + edge - y) * smoothstep(1.18, 1.28, x)
    body = _mixed(body, white, np.maximum(belly, chest))
    stripes = np.zeros((height, width), np.float32)
    top, bottom = int((BODY_TOP - 1.02) * PER_METRE), int((BODY_TOP - 0.36) * PER_METRE)
    stripes[top:bottom] = flank_stripes(rng, bottom - top, width, 0.084 * PER_METRE)
    stripes *= 1 - 0.75 * _spot(x, y, 1.17, 0.62, 0.16, 0.2)
    stripes *= smoothstep(-1.50, -1.34, -x)
    body = _mixed(body, black, 0.95 * stripes)
    return Coat({"body": _fur(rng, _cat_face(rng, body, x, y, white, black)), **_cat_limbs(rng, side, white, black)})


def _cat_face(
    rng: np.random.Generator,
    body: Field,
    x: Field,
    y: Field,
    white: tuple[float, float, float],
    black: tuple[float, float, float],
) -> Field:
    height, width = x.shape
    ruff = _spot(x, y, 1.47, 0.775, 0.14, 0.085)
    body = _mixed(body, white, ruff)
    body = _mixed(body, white, _spot(x, y, 1.665, 0.795, 0.075, 0.05))
    body = _mixed(body, white, _spot(x, y, 1.580, 0.952, 0.045, 0.026))
    face = smoothstep(1.33, 1.42, x) * smoothstep(-1.60, -1.53, -x)
    thin = flank_stripes(rng, height, width, 0.062 * PER_METRE)
    body = _mixed(body, black, 0.92 * thin * face * (1 - _spot(x, y, 1.58, 0.92, 0.06, 0.06)))
    body = _mixed(body, black, _spot(x, y, 1.395, 1.03, 0.055, 0.06))
    body = _mixed(body, white, _spot(x, y, 1.398, 1.018, 0.018, 0.022))
    body = _mixed(body, black, 0.9 * _spot(x, y, 1.583, 0.912, 0.026, 0.017))
    body = _mixed(body, (0.55, 0.42, 0.12), _spot(x, y, 1.586, 0.914, 0.011, 0.010))
    body = _mixed(body, (0.30, 0.13, 0.11), _spot(x, y, 1.712, 0.858, 0.024, 0.024))
    mouth = np.exp(-(((y - 0.790 - 0.25 * (x - 1.66)) / 0.007) ** 2)).astype(np.float32)
    return _mixed(body, black, 0.8 * mouth * smoothstep(1.60, 1.63, x))


def _cat_limbs(
    rng: np.random.Generator,
    side: tuple[float, float, float],
    white: tuple[float, float, float],
    black: tuple[float, float, float],
) -> dict[str, Field]:
    height, width = LIMB_SHEET
    across = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    sheets = {}
    for name, amount in (("front", 0.45), ("hind", 0.9), ("tail", 1.0)):
        sheet = np.empty((height, width, 3), np.float32)
        sheet[:] = side
        sheet = _mixed(sheet, white, 0.75 * smoothstep(0.15, 0.75, across if name != "front" else -across))
        stripes = limb_stripes(rng, height, width, 30 if name != "tail" else 26)
        sheet = _mixed(sheet, black, amount * stripes)
        if name == "tail":
            tip = np.linspace(0, 1, width, dtype=np.float32)[None, :] * np.ones((height, 1), np.float32)
            sheet = _mixed(sheet, black, smoothstep(0.88, 0.93, tip))
        sheets[name] = _fur(rng, sheet)
    return sheets


def deer_coat(rng: np.random.Generator) -> Coat:
    """A plain reddish coat with a pale belly, rump and throat."""
    x, y = _grid()
    height, width = x.shape
    brown, dark, pale = (0.36, 0.19, 0.085), (0.20, 0.105, 0.05), (0.62, 0.52, 0.40)
    edge = (fractal(rng, height, width, 50, octaves=3) - 0.5) * 0.1
    body = np.empty((height, width, 3), np.float32)
    body[:] = brown
    body = _mixed(body, dark, 0.7 * smoothstep(0.88, 1.02, y) * smoothstep(-1.0, -0.8, -x))
    body = _mixed(body, pale, smoothstep(0.0, 0.09, 0.715 + edge - y) * smoothstep(0.1, 0.25, x))
    body = _mixed(body, pale, _spot(x, y, -0.14, 0.86, 0.07, 0.12))
    body = _mixed(body, pale, _spot(x, y, 1.17, 1.18, 0.06, 0.035))
    body = _mixed(body, (0.02, 0.015, 0.012), _spot(x, y, 1.412, 1.168, 0.034, 0.028))
    body = _mixed(body, (0.015, 0.012, 0.01), _spot(x, y, 1.235, 1.283, 0.020, 0.016))
    plain = np.empty((*LIMB_SHEET, 3), np.float32)
    plain[:] = dark
    tail = np.empty((*LIMB_SHEET, 3), np.float32)
    tail[:] = pale
    limb = _fur(rng, plain)
    return Coat({"body": _fur(rng, body), "front": limb, "hind": limb, "tail": _fur(rng, tail)})
