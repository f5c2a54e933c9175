"""How far the writing of a file has come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

EVERY = 50
# Called with how much is done and how much there is; what it raises ends the writing.
Report = Callable[[int, int], None]
T = TypeVar("T")


def unheard(_done: int, _total: int) -> None:
    """Progress that nobody follows."""


def counted(rows: Iterable[T], total: int, report: Report) -> Iterator[T]:
    """The same rows, reported on their way. total: what there is to do in all."""
    report(0, total)
    for number, row in enumerate(rows, start=1):
        yield row
        if number % EVERY == 0:
            report(min(number, total), total)
