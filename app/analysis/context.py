"""What the analysis works with, handed from function to function: the survey, the store, the backend, the threads."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from app.analysis.budget import Budget
from app.analysis.model_choice import Choice
from app.ingest.formats import Format
from app.ingest.limits import Limits
from app.ingest.store import MediaStore
from app.operating_system import step_behind
from app.survey.database import Survey
from app.survey.tables.media import Media
from modal_backend.backend import Backend
from modal_backend.contracts import CurrentStats, Picture
from modal_backend.embedded import EmbeddedBackend

THREADS = max(2, (os.cpu_count() or 2) - 1)
PICTURES_KEPT = 48


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a job does while nothing answers; the settings MODAL_* say so.

    forever: it waits, else it fails at once. first_pause: seconds before the second attempt. stalled_after: seconds of
    a backlog with nothing running after which a waiting call says so. app_name: the app on Modal, for that sentence.
    """

    forever: bool = True
    first_pause: float = 1.0
    stalled_after: float = 60.0
    app_name: str = "pugmark-models"


class DecodedPictures:
    """Pictures that were just taken in, until they have been analysed; the oldest go first. Safe in threads."""

    def __init__(self, most: int = PICTURES_KEPT) -> None:
        self._most = most
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, sha256: str, picture: Picture) -> None:
        """Keep a picture, reduced as its store would be decoded."""
        with self._lock:
            self._pictures[sha256] = picture
            if len(self._pictures) > self._most:
                self._pictures.popitem(last=False)

    def get(self, sha256: str) -> Picture | None:
        """The picture of a media, if it is still there."""
        with self._lock:
            return self._pictures.get(sha256)

    def drop(self, hashes: list[str]) -> None:
        """Forget pictures that were analysed."""
        with self._lock:
            for sha256 in hashes:
                self._pictures.pop(sha256, None)


@dataclass(slots=True)
class Context:
    """One worker's tools; close it when the work is done.

    choose: which models are in use. decoded: pictures just taken in. stats: Modal's figures by model, and when they
    were asked for (seconds of the monotonic clock). budget: what Modal may cost, None without a limit.
    """

    survey: Survey
    store: MediaStore
    backend: Backend
    executor_id: str
    limits: Limits = field(default_factory=Limits)
    choose: Callable[[], Choice] = Choice
    waiting: Waiting = field(default_factory=Waiting)
    budget: Budget | None = None
    decoded: DecodedPictures = field(default_factory=DecodedPictures)
    stats: dict[str, tuple[float, CurrentStats]] = field(default_factory=dict)
    readers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="read", initializer=step_behind)
    )

    def path_of(self, media: Media) -> Path:
        """Where a media's original lies."""
        return self.store.path_of(media.sha256, cast(Format, media.format))

    def close(self) -> None:
        """Wait for what the threads are doing and end them."""
        self.readers.shutdown(cancel_futures=True)


@contextmanager
def open_context(
    survey: Survey,
    executor_id: str,
    backend: Backend | None = None,
    choose: Callable[[], Choice] = Choice,
    waiting: Waiting | None = None,
) -> Iterator[Context]:
    """A context on the survey's data directory; embedded and with the pocket models unless others are given."""
    context = Context(
        survey,
        MediaStore(survey.data_dir),
        backend or EmbeddedBackend(),
        executor_id,
        choose=choose,
        waiting=waiting or Waiting(),
    )
    context.store.clean()
    try:
        yield context
    finally:
        context.close()
