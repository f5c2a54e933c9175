"""What the workflows of this process work with; set while a worker runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from app.matching.gallery import Gallery
from app.pipeline import Read
from app.settings import Settings
from app.workshop import Workshop

SENDERS = 4


class Bench:
    """The worker's tools.

    feeds: files of imports under way that have not been taken in yet, by import id. The lanes bound how many jobs
    prepare pictures and send them at a time.
    """

    shop: Workshop
    gallery: Gallery
    settings: Settings
    feeds: dict[int, Iterator[list[Read]]]
    bulk_lane: asyncio.Semaphore
    interactive_lane: asyncio.Semaphore


def set_up(shop: Workshop, gallery: Gallery, settings: Settings) -> None:
    """Lay out the tools for a worker that starts."""
    Bench.shop, Bench.gallery, Bench.settings, Bench.feeds = shop, gallery, settings, {}
    Bench.bulk_lane, Bench.interactive_lane = asyncio.Semaphore(SENDERS), asyncio.Semaphore(SENDERS)
