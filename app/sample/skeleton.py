"""Skeletons and poses: an animal seen from its right side as round, tapering limbs.

Metres; x forward, y up, the ground at 0. `rest` is the same part before it moved: the coat is painted there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import acos, atan2, cos, hypot, pi, sin

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Limb:
    """A round cone from a to b.

    Attributes:
        coat: the painted sheet it takes its colour from ("body", "front", "hind", "tail").
        span: of a limb sheet, the part it covers; for the body, pivot/rest/turn undo the pose.
        near: how far its middle lies towards the viewer.
        far: on its hidden side.
    """

    a: Point
    b: Point
    ra: float
    rb: float
    coat: str = "body"
    span: tuple[float, float] = (0.0, 1.0)
    pivot: Point = (0.0, 0.0)
    rest: Point = (0.0, 0.0)
    turn: float = 0.0
    near: float = 0.0
    far: bool = False


@dataclass(frozen=True, slots=True)
class Pose:
    """One moment of a walk.

    Attributes:
        phase: 0 to 1.
        stride: metres a foot swings.
        head: radians up.
        bend: metres of sag.
        tail: -1 to 1.
    """

    phase: float = 0.0
    head: float = 0.0
    bend: float = 0.0
    tail: float = 0.0
    stride: float = 0.21


@dataclass(frozen=True, slots=True)
class Build:
    """Measures of a kind of animal, in metres."""

    hip: Point
    shoulder: Point
    trunk: tuple[tuple[float, float, float], ...]
    neck: tuple[tuple[float, float, float], ...]
    head: tuple[tuple[float, float, float, float, float, float], ...]
    eye: Point
    neck_base: Point
    leg: float
    thigh: float
    paw: float
    tail: tuple[tuple[float, float, float], ...]


CAT = Build(
    hip=(0.02, 0.70),
    shoulder=(1.06, 0.68),
    trunk=(
        (-0.06, 0.73, 0.175),
        (0.22, 0.73, 0.205),
        (0.58, 0.70, 0.215),
        (0.90, 0.71, 0.235),
        (1.12, 0.73, 0.215),
    ),
    neck=((1.12, 0.76, 0.20), (1.40, 0.865, 0.155)),
    head=(
        (1.42, 0.875, 0.150, 1.50, 0.890, 0.138),
        (1.52, 0.870, 0.115, 1.645, 0.838, 0.078),
        (1.47, 0.810, 0.110, 1.60, 0.800, 0.070),
        (1.405, 0.985, 0.050, 1.385, 1.035, 0.034),
    ),
    eye=(1.583, 0.912),
    neck_base=(1.12, 0.76),
    leg=1.0,
    thigh=1.0,
    paw=1.0,
    tail=(
        (-0.18, 0.80, 0.062),
        (-0.40, 0.60, 0.047),
        (-0.58, 0.40, 0.042),
        (-0.78, 0.30, 0.040),
        (-0.98, 0.36, 0.034),
    ),
)

DEER = Build(
    hip=(0.02, 0.78),
    shoulder=(0.86, 0.76),
    trunk=(
        (-0.02, 0.86, 0.150),
        (0.22, 0.84, 0.170),
        (0.50, 0.82, 0.185),
        (0.74, 0.82, 0.185),
        (0.90, 0.84, 0.155),
    ),
    neck=((0.92, 0.90, 0.140), (1.08, 1.10, 0.092), (1.15, 1.24, 0.080)),
    head=(
        (1.15, 1.27, 0.084, 1.22, 1.26, 0.076),
        (1.22, 1.25, 0.066, 1.40, 1.17, 0.040),
        (1.10, 1.33, 0.028, 1.02, 1.42, 0.020),
        (1.03, 1.41, 0.030, 0.99, 1.45, 0.012),
    ),
    eye=(1.235, 1.283),
    neck_base=(0.92, 0.90),
    leg=0.60,
    thigh=0.78,
    paw=0.62,
    tail=((-0.15, 0.92, 0.045), (-0.21, 0.83, 0.040), (-0.23, 0.76, 0.022)),
)


def turned(point: Point, pivot: Point, angle: float) -> Point:
    """`point` turned around `pivot` by `angle` radians."""
    x, y = point[0] - pivot[0], point[1] - pivot[1]
    return pivot[0] + x * cos(angle) - y * sin(angle), pivot[1] + x * sin(angle) + y * cos(angle)


def _bent_joint(top: Point, end: Point, upper: float, lower: float, side: float) -> Point:
    """Where a two-bone limb from `top` to `end` bends; side +1 bends forward, -1 backward."""
    dx, dy = end[0] - top[0], end[1] - top[1]
    reach = min(max(hypot(dx, dy), 1e-6), (upper + lower) * 0.995)
    corner = acos(min(1.0, max(-1.0, (upper**2 + reach**2 - lower**2) / (2 * upper * reach))))
    angle = atan2(dy, dx) + side * corner
    return top[0] + upper * cos(angle), top[1] + upper * sin(angle)


def _leg(build: Build, pose: Pose, *, hind: bool, far: bool) -> list[Limb]:
    joint = build.hip if hind else build.shoulder
    beat = (pose.phase + (0.0 if hind else 0.28) + (0.5 if far else 0.0)) % 1.0
    swing = pose.stride * cos(2 * pi * beat)
    lift = 0.10 * max(0.0, -sin(2 * pi * beat))
    foot = (joint[0] + swing + (-0.10 if hind else 0.0), 0.05 * build.paw + lift)
    back = 0.05 - 0.9 * lift
    ankle = (
        (foot[0] - 0.075 + 0.25 * swing - lift, foot[1] + 0.20 - 0.3 * lift)
        if hind
        else (foot[0] - 0.02 - lift * 0.9, foot[1] + 0.15 + back * 0.3)
    )
    scale = joint[1] / 0.70
    upper, lower = (0.36 * scale, 0.30 * scale) if hind else (0.31 * scale, 0.29 * scale)
    knee = _bent_joint(joint, ankle, upper, lower, 1.0 if hind else -1.0)
    rest_foot = (joint[0] - (0.175 if hind else 0.02), 0.25 if hind else 0.21)
    rest_knee = _bent_joint(joint, rest_foot, upper, lower, 1.0 if hind else -1.0)
    turn = atan2(knee[1] - joint[1], knee[0] - joint[0]) - atan2(rest_knee[1] - joint[1], rest_knee[0] - joint[0])
    near = -0.10 if far else 0.10
    thick, paw, sheet = build.leg, build.paw, "hind" if hind else "front"
    top_r, knee_r = (0.185, 0.105) if hind else (0.150, 0.088)
    top_r, knee_r = top_r * build.thigh, knee_r * (build.thigh + build.leg) / 2
    low_r = (0.056 if hind else 0.062) * thick
    toe = (foot[0] + 0.085 * paw, foot[1] - 0.012 - 0.3 * lift)
    return [
        Limb(joint, knee, top_r, knee_r, "body", (0, 1), joint, joint, turn, near, far),
        Limb(knee, ankle, knee_r, low_r, sheet, (0.0, 0.5), near=near, far=far),
        Limb(ankle, foot, low_r, 0.054 * (thick + paw) / 2, sheet, (0.5, 0.9), near=near, far=far),
        Limb(foot, toe, 0.052 * paw, 0.043 * paw, sheet, (0.9, 1.0), near=near, far=far),
    ]


def posed(build: Build, pose: Pose) -> list[Limb]:
    """All limbs of an animal in a pose, those on the far side first."""
    limbs = _leg(build, pose, hind=True, far=True) + _leg(build, pose, hind=False, far=True)
    tail = [(x, y + pose.tail * 0.22 * i / len(build.tail), r) for i, (x, y, r) in enumerate(build.tail)]
    for i, ((x0, y0, r0), (x1, y1, r1)) in enumerate(pairwise(tail)):
        n = len(tail) - 1
        limbs.append(Limb((x0, y0), (x1, y1), r0, r1, "tail", (i / n, (i + 1) / n), near=-0.04))
    middle = (build.hip[0] + build.shoulder[0]) / 2
    half = (build.shoulder[0] - build.hip[0]) / 2

    def sag(x: float) -> float:
        return pose.bend * max(0.0, 1 - ((x - middle) / half) ** 2)

    for (x0, y0, r0), (x1, y1, r1) in pairwise(build.trunk):
        s = (sag(x0) + sag(x1)) / 2
        limbs.append(Limb((x0, y0 - sag(x0)), (x1, y1 - sag(x1)), r0, r1, pivot=(0, -s), rest=(0, 0)))
    base = build.neck_base
    for (x0, y0, r0), (x1, y1, r1) in pairwise(build.neck):
        a, b = turned((x0, y0), base, pose.head * 0.6), turned((x1, y1), base, pose.head * 0.6)
        limbs.append(Limb(a, b, r0, r1, pivot=base, rest=base, turn=pose.head * 0.6, near=0.01))
    for x0, y0, r0, x1, y1, r1 in build.head:
        a, b = turned((x0, y0), base, pose.head * 0.6), turned((x1, y1), base, pose.head * 0.6)
        limbs.append(Limb(a, b, r0, r1, pivot=base, rest=base, turn=pose.head * 0.6, near=0.02))
    limbs += _leg(build, pose, hind=True, far=False) + _leg(build, pose, hind=False, far=False)
    return limbs


def eye_position(build: Build, pose: Pose) -> Point:
    """Where the eye is in the pose, metres."""
    return turned(build.eye, build.neck_base, pose.head * 0.6)
