"""Modal's own figures, asked for in a thread of their own: a page only ever reads what is known already.

The warm-up switch works the same way: the page says what is wanted, a thread asks Modal with a deadline.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

from modal_backend.client import WARM_SECONDS, ModalBackend
from modal_backend.contracts import CurrentStats, Health
from modal_backend.errors import BackendError, sentence
from modal_backend.registry import MODELS, REMOTE

log = logging.getLogger(__name__)
REFRESH_SECONDS = 10.0
QUIET_AFTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ModalFigures:
    """health, stats and containers kept warm per model as of `at` (seconds since 1970, 0 before the first answer)."""

    health: Health = field(default_factory=lambda: Health("asking"))
    stats: dict[str, CurrentStats] = field(default_factory=dict)
    warm: dict[str, int] = field(default_factory=dict)
    at: float = 0.0


class ModalWatch:
    """Asks while somebody looks; stops asking a minute after the last look."""

    def __init__(self, backend: ModalBackend, warm_seconds: float = WARM_SECONDS) -> None:
        """warm_seconds: how long Modal may take to grant a wish."""
        self._backend = backend
        self._warm_seconds = warm_seconds
        self._figures = ModalFigures()
        self._looked = 0.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted: dict[str, int] = {}
        self._trouble: dict[str, str] = {}

    def latest(self) -> ModalFigures:
        """What is known, at once."""
        with self._lock:
            self._looked = time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ask, name="modal-watch", daemon=True)
                self._thread.start()
            return self._figures

    def keep_warm(self, model: str, containers: int, who: str) -> None:
        """Ask Modal to keep so many containers of a model running; returns at once, `warming` tells how it goes."""
        with self._lock:
            self._wanted[model] = containers
            self._trouble.pop(model, None)
        log.info("%s wants %d containers of %s kept warm.", who, containers, model)
        threading.Thread(target=self._warm, args=(model, containers), name="warm-up", daemon=True).start()

    def warming(self) -> dict[str, int]:
        """Wishes that Modal has not answered yet: containers by model."""
        with self._lock:
            return dict(self._wanted)

    def trouble(self) -> dict[str, str]:
        """Why the last wish for a model was not granted, with what to do."""
        with self._lock:
            return dict(self._trouble)

    def _warm(self, model: str, containers: int) -> None:
        try:
            granted, trouble = self._backend.keep_warm(model, containers, self._warm_seconds), ""
        except BackendError as error:
            granted, trouble = self._figures.warm.get(model, 0), sentence(error)
        with self._lock:
            if self._wanted.get(model) == containers:
                del self._wanted[model]
            if trouble:
                self._trouble[model] = trouble
            known = self._figures
            self._figures = ModalFigures(known.health, known.stats, known.warm | {model: granted}, known.at)

    def _ask(self) -> None:
        while time.monotonic() - self._looked < QUIET_AFTER_SECONDS:
            health = self._backend.health()
            stats, warm = self._per_model() if health.state == "ready" else ({}, self._figures.warm)
            with self._lock:
                pending = {model: self._figures.warm[model] for model in self._wanted if model in self._figures.warm}
                self._figures = ModalFigures(health, stats, warm | pending, time.time())
            time.sleep(REFRESH_SECONDS)

    def _per_model(self) -> tuple[dict[str, CurrentStats], dict[str, int]]:
        stats, warm = {}, {}
        for model in REMOTE:
            if MODELS[model].here:
                try:
                    stats[model] = self._backend.current_stats(model)
                    warm[model] = self._backend.kept_warm(model)
                except BackendError:
                    continue
        return stats, warm
