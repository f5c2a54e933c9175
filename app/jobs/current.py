"""What the workflows of this process work with; set while a worker runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from app.analysis.context import Workshop
from app.analysis.pictures import Read
from app.matching.gallery import Gallery
from app.settings import Settings
from modal_backend.contracts import CurrentStats

SENDERS = 4
QUESTIONS = 24


@dataclass(frozen=True, slots=True)
class Lane:
    """What jobs of one kind share, so that the other kind never waits for it.

    sends: how many prepare pictures and send them at a time. polls: how many ask for a result at a time; Modal's
    connection carries some hundred questions at once, and a question that waits would keep others from being asked.
    longest_pause: seconds between two questions about one call.
    """

    sends: asyncio.Semaphore
    polls: asyncio.Semaphore
    longest_pause: float


class Bench:
    """The worker's tools.

    feeds: files of imports under way that have not been taken in yet, by import id. looked: Modal's figures by model,
    and when they were asked for.
    """

    shop: Workshop
    gallery: Gallery
    settings: Settings
    feeds: dict[int, Iterator[list[Read]]]
    looked: dict[str, tuple[float, CurrentStats]]
    bulk: Lane
    interactive: Lane


def set_up(shop: Workshop, gallery: Gallery, settings: Settings) -> None:
    """Lay out the tools for a worker that starts."""
    Bench.shop, Bench.gallery, Bench.settings = shop, gallery, settings
    Bench.feeds, Bench.looked = {}, {}
    Bench.bulk = Lane(asyncio.Semaphore(SENDERS), asyncio.Semaphore(QUESTIONS), 4.0)
    Bench.interactive = Lane(asyncio.Semaphore(SENDERS), asyncio.Semaphore(QUESTIONS), 0.5)
