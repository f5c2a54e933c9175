"""Modal's own figures, asked for in a thread of their own: a page only ever reads what is known already."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from modal_backend.client import ModalBackend
from modal_backend.contracts import CurrentStats, Health
from modal_backend.errors import BackendError
from modal_backend.registry import MODELS, REMOTE

REFRESH_SECONDS = 10.0
QUIET_AFTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ModalFigures:
    """health and stats per model as of `at` (seconds since 1970, 0 before the first answer)."""

    health: Health = field(default_factory=lambda: Health("asking"))
    stats: dict[str, CurrentStats] = field(default_factory=dict)
    at: float = 0.0


class ModalWatch:
    """Asks while somebody looks; stops asking a minute after the last look."""

    def __init__(self, backend: ModalBackend) -> None:
        self._backend = backend
        self._figures = ModalFigures()
        self._looked = 0.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def latest(self) -> ModalFigures:
        """What is known, at once."""
        with self._lock:
            self._looked = time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ask, name="modal-watch", daemon=True)
                self._thread.start()
            return self._figures

    def _ask(self) -> None:
        while time.monotonic() - self._looked < QUIET_AFTER_SECONDS:
            health = self._backend.health()
            stats = self._stats() if health.state == "ready" else {}
            self._figures = ModalFigures(health, stats, time.time())
            time.sleep(REFRESH_SECONDS)

    def _stats(self) -> dict[str, CurrentStats]:
        found = {}
        for model in REMOTE:
            if MODELS[model].here:
                try:
                    found[model] = self._backend.current_stats(model)
                except BackendError:
                    continue
        return found
