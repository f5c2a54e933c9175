"""What the jobs of this process work with. DBOS calls workflows by name, so they cannot be handed it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from app.analysis.calls import Lane
from app.analysis.context import Context
from app.analysis.taking_in import Read
from app.matching.gallery import Gallery
from app.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


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


async def read_survey(ask: Callable[Concatenate[Session, P], T], *args: P.args, **named: P.kwargs) -> T:
    """Ask something of the survey, in a thread: ask(session, *args)."""

    def in_thread() -> T:
        with current().context.survey.read() as session:
            return ask(session, *args, **named)

    return await asyncio.to_thread(in_thread)


async def write_survey(change: Callable[Concatenate[Session, P], T], *args: P.args, **named: P.kwargs) -> T:
    """Change something in the survey, in a thread and one transaction: change(session, *args)."""

    def in_thread() -> T:
        with current().context.survey.write() as session:
            return change(session, *args, **named)

    return await asyncio.to_thread(in_thread)
