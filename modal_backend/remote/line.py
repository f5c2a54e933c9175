"""The line to Modal: what is being sent, how much of it has arrived, how fast, and how long it may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from modal_backend.errors import BackendUnavailable

# Bytes a second of the slowest line (.25 Mbit/s) that is expected before one was measured.
SLOWEST_LINE = 32_000
# Bytes that MODAL_TIMEOUT is enough for.
ANY_LINE = 1_000_000
# Bytes of one call: what goes over the line in some seconds, so that little is lost when the line breaks.
MOST_BYTES, LEAST_BYTES = 2_000_000, 64_000
CALL_SECONDS = 5.0
# Fewer bytes say more about the way there and back than about the line.
MEASURED_BYTES = 50_000
SLOW_AFTER = 5.0


class Line:
    """Bytes are counted from the moment when nothing was under way. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = self._arrived = self._total = self._sends = 0
        self._since = 0.0
        self._rate: float | None = None

    @property
    def call_bytes(self) -> int:
        """How many bytes one call had better be: fewer on a slower line, and after a call that did not get through."""
        return MOST_BYTES if self._rate is None else int(min(MOST_BYTES, max(LEAST_BYTES, self._rate * CALL_SECONDS)))

    def seconds(self, timeout: float) -> float:
        """How long a call may take to be sent: MODAL_TIMEOUT, and more the more bytes are under way with it."""
        rate = SLOWEST_LINE if self._rate is None else min(SLOWEST_LINE, self._rate / 2)
        return timeout + max(0, self._under_way - ANY_LINE) / rate

    def message(self) -> str:
        """How far what is being sent has come, once it takes longer than some seconds; else empty."""
        with self._lock:
            if not self._sends or time.monotonic() - self._since < SLOW_AFTER:
                return ""
            return f"slow line: {_megabytes(self._arrived)} of {_megabytes(self._total)} MB"

    @contextmanager
    def sending(self, size: int) -> Iterator[None]:
        """So many bytes are sent in the block; BackendUnavailable passes through as what became of them."""
        with self._lock:
            if not self._sends:
                self._since, self._arrived, self._total = time.monotonic(), 0, 0
            self._sends += 1
            self._total += size
            self._under_way += size
        try:
            yield
        except BackendUnavailable as error:
            self._broke_off()
            if message := self.message():
                raise BackendUnavailable(f"{message} had arrived. {error}", remedy=error.remedy) from error
            raise
        else:
            self._came(size)
        finally:
            with self._lock:
                self._sends -= 1
                self._under_way -= size

    def _came(self, size: int) -> None:
        with self._lock:
            self._arrived += size
            if self._arrived >= MEASURED_BYTES:
                self._rate = self._arrived / max(time.monotonic() - self._since, 1e-3)

    def _broke_off(self) -> None:
        with self._lock:
            rate = 2 * SLOWEST_LINE if self._rate is None else min(self._rate, MOST_BYTES / CALL_SECONDS)
            self._rate = max(rate / 2, 0.1 * SLOWEST_LINE)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}".removesuffix(".0")
