"""Quick looks at how many individuals there are: discovery curve, Chao and Chapman. Not estimates to publish.

All assume a closed population, correct identities and, for Chapman, equal chances of being seen; none models space.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from app.survey.capture.history import CaptureHistory

Z = 1.959963984540054  # 97.5 % point of the standard normal distribution


@dataclass(frozen=True, slots=True)
class QuickLook:
    """An estimate with its 95 % interval (None where it cannot be given) and the figures behind it in words."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    from_what: str
    source: str


def discovery_curve(history: CaptureHistory) -> list[tuple[int, int, int]]:
    """After each occasion: station-days worked so far, individuals known so far, individuals new in it."""
    seen: set[int] = set()
    days = history.days_worked().sum(axis=0)
    at: dict[int, set[int]] = {}
    for animal, _, occasion in history.captures:
        at.setdefault(occasion, set()).add(animal)
    curve, total = [], 0
    for occasion in range(history.occasions):
        new = at.get(occasion, set()) - seen
        seen |= new
        total += int(days[occasion])
        curve.append((total, len(seen), len(new)))
    return curve


def quick_looks(history: CaptureHistory) -> list[QuickLook]:
    """Chao's estimates from occasions (Mh) and from events (Chao1), and Chapman's from two halves of the survey."""
    table = history.by_occasion() == 1
    return [
        chao_mh(table.sum(axis=1), history.occasions),
        chao1(history.events()),
        chapman_halves(table),
    ]


def chao_mh(occasions_seen: NDArray[np.int64], occasions: int) -> QuickLook:
    """Chao 1987 (Biometrics 43: 783-791): heterogeneous chances; from those seen on one and on two occasions."""
    once, twice = int((occasions_seen == 1).sum()), int((occasions_seen == 2).sum())
    found = int((occasions_seen > 0).sum())
    words = f"{found} individuals, {once} seen on one occasion, {twice} on two, {occasions} occasions"
    return _lower_bound(
        "Chao Mh", found, once, twice, (occasions - 1) / occasions if occasions else 1.0, words, "Chao 1987"
    )


def chao1(events_each: NDArray[np.int64]) -> QuickLook:
    """Chao 1984 (Scand. J. Statist. 11: 265-270): from those with one and with two events; a lower bound."""
    once, twice = int((events_each == 1).sum()), int((events_each == 2).sum())
    found = int((events_each > 0).sum())
    words = f"{found} individuals, {once} with one event, {twice} with two"
    return _lower_bound("Chao1", found, once, twice, 1.0, words, "Chao 1984")


def chapman_halves(table: NDArray[np.bool_]) -> QuickLook:
    """Lincoln-Petersen in Chapman's form (1951) between the first and second half of the occasions.

    Variance: Seber 1970 (Biometrics 26: 313-318).

    Args:
        table: individuals x occasions.
    """
    half = table.shape[1] // 2
    first, second = table[:, :half].any(axis=1), table[:, half:].any(axis=1)
    n1, n2, both = int(first.sum()), int(second.sum()), int((first & second).sum())
    words = f"{n1} in the first {half} occasions, {n2} in the other {table.shape[1] - half}, {both} in both"
    if half == 0 or not n1 or not n2:
        return QuickLook("Lincoln-Petersen (Chapman)", None, None, None, words, "Chapman 1951, Seber 1970")
    value = (n1 + 1) * (n2 + 1) / (both + 1) - 1
    variance = (n1 + 1) * (n2 + 1) * (n1 - both) * (n2 - both) / ((both + 1) ** 2 * (both + 2))
    low, high = _interval(n1 + n2 - both, value, variance)
    return QuickLook("Lincoln-Petersen (Chapman)", value, low, high, words, "Chapman 1951, Seber 1970")


def _lower_bound(name: str, found: int, once: int, twice: int, factor: float, words: str, source: str) -> QuickLook:
    """found + f1^2/(2 f2), or its bias-corrected form found + factor f1(f1-1)/2 when nobody was seen just twice."""
    if not found:
        return QuickLook(name, None, None, None, words, source)
    if not once:
        return QuickLook(name, float(found), None, None, words + "; nobody was seen just once", source)
    if twice:
        share = once / twice
        value = found + once * once / (2 * twice)
        variance = twice * (share**4 / 4 + share**3 + share**2 / 2)
    else:
        value = found + factor * once * (once - 1) / 2
        variance = factor * once * (once - 1) / 2 + factor**2 * once * (2 * once - 1) ** 2 / 4
        variance -= factor**2 * once**4 / (4 * value)
    low, high = _interval(found, value, variance)
    return QuickLook(name, value, low, high, words, source)


def _interval(found: int, value: float, variance: float) -> tuple[float | None, float | None]:
    """95 % interval from a log-normal distribution of the unseen (Burnham et al. 1987; Chao 1987)."""
    unseen = value - found
    if unseen <= 0 or variance <= 0:
        return None, None
    spread = exp(Z * sqrt(log(1 + variance / unseen**2)))
    return found + unseen / spread, found + unseen * spread
