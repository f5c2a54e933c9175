"""What the jobs of this process work with. DBOS calls workflows by name, so they cannot be handed it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.analysis.calls import Lane
from app.analysis.context import Context
from app.analysis.taking_in import Read
from app.matching.gallery import Gallery
from app.settings import Settings


@dataclass(slots=True)
class Current:
    """feeds: files of imports under way that have not been taken in yet, by job. bulk, interactive: see `Lane`.

    looked: when a person last turned to another crop in Identify, by the monotonic clock.
    """

    context: Context
    gallery: Gallery
    settings: Settings
    feeds: dict[str, Iterator[list[Read]]] = field(default_factory=dict)
    bulk: Lane = field(default_factory=lambda: Lane(longest_pause=4.0))
    interactive: Lane = field(default_factory=Lane)
    looked: float = -math.inf


_of_process: list[Current] = []


def set_current(now: Current) -> None:
    """Let the jobs of this process work with this."""
    _of_process[:] = [now]


def current() -> Current:
    """What the jobs work with; only inside a worker."""
    return _of_process[0]
