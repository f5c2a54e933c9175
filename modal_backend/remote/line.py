"""The line to Modal: what is being sent, how much of it has arrived, how fast, and how long it may take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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
# Seconds after which a call that breaks off was cut by the line, and not refused at once.
BREAKS_AFTER = 1.0


@dataclass(slots=True)
class Allowance:
    """How long something may take, however often it is tried: seconds from now on, which may become more."""

    seconds: float
    begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left; below 0 when it is used up."""
        return self.begun + self.seconds - time.monotonic()


class Line:
    """Bytes are counted from the moment when nothing was under way. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = self._arrived = self._total = self._sends = 0
        self._since = 0.0
        self._rate: float | None = None
        self._allowances: list[tuple[Allowance, float]] = []

    @property
    def call_bytes(self) -> int:
        """How many bytes one call had better be: fewer on a slower line, and after a call that did not get through."""
        return MOST_BYTES if self._rate is None else int(min(MOST_BYTES, max(LEAST_BYTES, self._rate * CALL_SECONDS)))

    def message(self) -> str:
        """How far what is being sent has come, once it takes longer than some seconds; else empty."""
        with self._lock:
            return self._message()

    @contextmanager
    def asked(self, size: int, timeout: float) -> Iterator[Allowance]:
        """So many bytes are to be sent in the block; gives how long that may take.

        More than MODAL_TIMEOUT, the more bytes are to be sent over the same line, also those asked for later.
        """
        mine = Allowance(timeout), timeout
        with self._lock:
            self._asked += size
            self._allowances.append(mine)
            rate = SLOWEST_LINE if self._rate is None else min(SLOWEST_LINE, self._rate / 2)
            for allowance, least in self._allowances:
                allowance.seconds = max(allowance.seconds, least + max(0, self._asked - ANY_LINE) / rate)
        try:
            yield mine[0]
        finally:
            with self._lock:
                self._asked -= size
                self._allowances = [held for held in self._allowances if held is not mine]

    @contextmanager
    def sending(self, size: int, stopped: list[str]) -> Iterator[None]:
        """So many bytes are on the way in the block.

        Args:
            stopped: gets the message of the moment when they did not arrive, where there is one.
        """
        begun = time.monotonic()
        with self._lock:
            if not self._sends:
                self._since, self._arrived, self._total = begun, 0, 0
            self._sends += 1
            self._total += size
        try:
            yield
        except BaseException:
            with self._lock:
                stopped += [message] if (message := self._message()) else []
                if time.monotonic() - begun > BREAKS_AFTER:
                    known = 2 * SLOWEST_LINE if self._rate is None else min(self._rate, MOST_BYTES / CALL_SECONDS)
                    self._rate = max(known / 2, SLOWEST_LINE / 10)
            raise
        else:
            with self._lock:
                self._arrived += size
                if self._arrived >= MEASURED_BYTES:
                    self._rate = self._arrived / max(time.monotonic() - self._since, 1e-3)
        finally:
            with self._lock:
                self._sends -= 1

    def _message(self) -> str:
        slow = time.monotonic() - self._since >= SLOW_AFTER and self._total >= MEASURED_BYTES
        return f"slow line: {_megabytes(self._arrived)} of {_megabytes(self._total)} MB" if self._sends and slow else ""


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}".removesuffix(".0")
