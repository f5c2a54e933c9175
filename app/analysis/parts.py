"""As much of what is asked as one call had better hold: on a slow line little gets through at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from app.analysis.context import Context
from app.survey.calls import ledger

T = TypeVar("T")


def first_part(
    context: Context, job: str | None, models: Sequence[str], items: Iterable[T], size: Callable[[T], int]
) -> list[T]:
    """The first items for the next call of a job; takes no more from `items` than it needs to know.

    Args:
        models: names of the models that are asked; where one has a call under way for this job, the part is that of
            the call, so that it is found again.
        size: bytes of an item on the way.
    """
    under_way = ledger.items_under_way(context.survey, job, models) if job and context.backend.elsewhere else 0
    most = context.backend.call_bytes
    part: list[T] = []
    total = 0
    for item in items:
        total += size(item)
        if part and total > most and not under_way:
            break
        part.append(item)
        if len(part) == under_way:
            break
    return part
