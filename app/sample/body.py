"""From limbs to pixels: a soft union of round cones with coat colour, relief shading and a clean edge."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, sin

import numpy as np

from app.sample.coat import BODY_LEFT, BODY_TOP, PER_METRE, Coat
from app.sample.noise import Field, blurred, sampled, smoothstep
from app.sample.skeleton import Limb

SOFT = 0.022
REACH = 0.16


@dataclass(frozen=True, slots=True)
class Figure:
    """An animal without its surroundings.

    Attributes:
        colour: float32 (h, w, 3) reflectance.
        alpha: (h, w) 0 to 1.
        normal: (h, w, 3) x right, y up, z to the viewer.
        left, top: metres of the window's corner (y up from the ground).
    """

    colour: Field
    alpha: Field
    normal: Field
    left: float
    top: float


@dataclass(slots=True)
class _Sheet:
    """Sums over the limbs of one layer."""

    mass: Field
    weight: Field
    height: Field
    colour: Field


def _coat_colour(limb: Limb, coat: Coat, x: Field, y: Field, along: Field, across: Field) -> Field:
    sheet = coat.sheets[limb.coat]
    if limb.coat == "body":
        c, s = cos(-limb.turn), sin(-limb.turn)
        dx, dy = x - limb.pivot[0], y - limb.pivot[1]
        rx, ry = limb.rest[0] + dx * c - dy * s, limb.rest[1] + dx * s + dy * c
        return sampled(sheet, (rx - BODY_LEFT) * PER_METRE, (BODY_TOP - ry) * PER_METRE)
    rows, columns = sheet.shape[:2]
    u = limb.span[0] + along * (limb.span[1] - limb.span[0])
    return sampled(sheet, u * (columns - 1), (np.clip(across, -1, 1) + 1) / 2 * (rows - 1))


def _add(sheet: _Sheet, limb: Limb, coat: Coat, left: float, top: float, scale: float) -> None:
    rows, columns = sheet.mass.shape
    reach = max(limb.ra, limb.rb) + REACH
    x0 = max(0, int((min(limb.a[0], limb.b[0]) - reach - left) * scale))
    x1 = min(columns, int((max(limb.a[0], limb.b[0]) + reach - left) * scale) + 1)
    y0 = max(0, int((top - max(limb.a[1], limb.b[1]) - reach) * scale))
    y1 = min(rows, int((top - min(limb.a[1], limb.b[1]) + reach) * scale) + 1)
    if x1 <= x0 or y1 <= y0:
        return
    x, y = np.meshgrid(
        left + np.arange(x0, x1, dtype=np.float32) / np.float32(scale),
        top - np.arange(y0, y1, dtype=np.float32) / np.float32(scale),
    )
    bx, by = limb.b[0] - limb.a[0], limb.b[1] - limb.a[1]
    length = max(hypot(bx, by), 1e-6)
    px, py = x - limb.a[0], y - limb.a[1]
    along = np.clip((px * bx + py * by) / length**2, 0, 1)
    radius = limb.ra + along * (limb.rb - limb.ra)
    away = np.hypot(px - along * bx, py - along * by)
    edge = away - radius
    relief = limb.near + np.sqrt(np.maximum(radius**2 - away**2, 0))
    mass = np.exp(-np.clip(edge, -0.3, 0.4) / SOFT)
    weight = mass * np.exp(np.clip(relief, -0.2, 0.5) / 0.03)
    across = (px * by - py * bx) / length / np.maximum(radius, 1e-6)
    window = (slice(y0, y1), slice(x0, x1))
    sheet.mass[window] += mass
    sheet.weight[window] += weight
    sheet.height[window] += weight * relief
    sheet.colour[window] += weight[..., None] * _coat_colour(limb, coat, x, y, along, across)


def _layer(limbs: list[Limb], coat: Coat, left: float, top: float, scale: float, shape: tuple[int, int]) -> _Sheet:
    tiny = np.float32(1e-20)
    sheet = _Sheet(
        np.full(shape, tiny),
        np.full(shape, tiny),
        np.zeros(shape, np.float32),
        np.zeros((*shape, 3), np.float32),
    )
    for limb in limbs:
        _add(sheet, limb, coat, left, top, scale)
    sheet.height /= sheet.weight
    sheet.colour /= sheet.weight[..., None]
    return sheet


def _normals(height: Field, scale: float) -> Field:
    smooth = blurred(height, 0.012 * scale)
    dy, dx = np.gradient(smooth, 1 / scale)
    normal = np.stack([-dx, dy, np.full_like(smooth, 0.9)], axis=-1)
    return np.asarray(normal / np.linalg.norm(normal, axis=-1, keepdims=True), np.float32)


def figure(limbs: list[Limb], coat: Coat, scale: float) -> Figure:
    """The limbs drawn at `scale` pixels per metre, seen from the right side, moving to the right."""
    left = min(min(p.a[0] - p.ra, p.b[0] - p.rb) for p in limbs) - 0.05
    right = max(max(p.a[0] + p.ra, p.b[0] + p.rb) for p in limbs) + 0.05
    top = max(max(p.a[1] + p.ra, p.b[1] + p.rb) for p in limbs) + 0.05
    shape = (int((top + 0.06) * scale), int((right - left) * scale))
    colour = np.zeros((*shape, 3), np.float32)
    normal = np.zeros((*shape, 3), np.float32)
    alpha = np.zeros(shape, np.float32)
    for far in (True, False):
        sheet = _layer([p for p in limbs if p.far is far], coat, left, top, scale, shape)
        distance = -SOFT * np.log(sheet.mass) * scale
        cover = smoothstep(-0.9, 0.9, -distance)
        shade = 0.55 if far else 1.0
        colour += cover[..., None] * (sheet.colour * np.float32(shade) - colour)
        normal += cover[..., None] * (_normals(sheet.height, scale) - normal)
        alpha = np.maximum(alpha, cover)
    return Figure(colour, alpha, normal, left, top)
