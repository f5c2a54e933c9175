"""Wait for a condition, and for no fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def wait_until(condition: Callable[[], Seen], seconds: float = 240) -> Seen:
    """Ask until the condition holds and return what it answered.

    Args:
        condition: asked twenty times a second.
        seconds: how long a machine that is busy with other work may take; a failure costs this much, a pass nothing.

    Raises:
        AssertionError: when the condition does not hold in time.
    """
    end = time.monotonic() + seconds
    while not (seen := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return seen
