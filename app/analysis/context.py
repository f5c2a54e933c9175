"""What the jobs work with: the survey, the store of media, the backend, the threads, and who is working."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.analysis.model_choice import Choice
from app.ingest.limits import Limits
from app.ingest.store import MediaStore
from app.survey.calls.ledger import ledger
from app.survey.database import Survey
from modal_backend.backend import Backend
from modal_backend.contracts import Result
from modal_backend.embedded import EmbeddedBackend
from modal_backend.registry import MODELS

THREADS = max(2, (os.cpu_count() or 2) - 1)


def _threads(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix=name)


@dataclass(slots=True)
class Workshop:
    """One worker's tools; close it when the work is done. choose: which detector and embeddings are in use."""

    survey: Survey
    store: MediaStore
    backend: Backend
    executor_id: str
    limits: Limits = field(default_factory=Limits)
    choose: Callable[[], Choice] = Choice
    readers: ThreadPoolExecutor = field(default_factory=lambda: _threads("read"))
    describers: ThreadPoolExecutor = field(default_factory=lambda: _threads("describe"))

    def call(self, model: str, inputs: Sequence[Any], queued_at: float | None = None) -> tuple[Result, int]:
        """Call a model and keep the ledger; returns the result and the call's id. Raises BackendError."""
        with ledger(
            self.survey,
            task=MODELS[model].task,
            model=model,
            backend=self.backend.name,
            items=len(inputs),
            executor_id=self.executor_id,
            queued_at=queued_at or time.time(),
        ) as entry:
            result = self.backend.call(model, inputs)
            entry.cold_start_seconds, entry.run_seconds = result.cold_start_seconds, result.seconds
            return result, entry.id

    def load(self, model: str) -> None:
        """Make a model ready before the first call where that is this process's matter. Raises BackendError."""
        self.backend.load(model)

    def close(self) -> None:
        """Wait for what the threads are doing and end them."""
        self.readers.shutdown(cancel_futures=True)
        self.describers.shutdown(cancel_futures=True)


@contextmanager
def open_workshop(
    survey: Survey,
    executor_id: str,
    backend: Backend | None = None,
    choose: Callable[[], Choice] = Choice,
) -> Iterator[Workshop]:
    """A workshop on the survey's data directory; embedded and with the pocket models unless others are given."""
    shop = Workshop(survey, MediaStore(survey.data_dir), backend or EmbeddedBackend(), executor_id, choose=choose)
    shop.store.clean()
    try:
        yield shop
    finally:
        shop.close()
