"""The way to the deployed app: handles by name, retries with growing pauses, a deadline of our own for everything.

Handles are looked up by name on first use and dropped when the app was stopped or the client closed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from modal_backend.backend import OnRetry
from modal_backend.errors import BackendError, BackendMisconfigured, BackendUnavailable, NotDeployed
from modal_backend.registry import MODELS, REMOTE
from modal_backend.remote.error_map import translated
from modal_backend.remote.line import Allowance, Line
from modal_backend.remote.reach import reach
from modal_backend.waiting import PASSING, growing

log = logging.getLogger(__name__)
T = TypeVar("T")
PROBE_AFTER = 5.0
LEAST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """How to reach the app and how patiently.

    Attributes:
        timeout: seconds any operation may take, its retries included.
        retry_delay: seconds before the first retry.
        in_flight: calls under way at a time.
    """

    app_name: str = "pugmark-models"
    timeout: float = 120.0
    max_retries: int = 3
    retry_delay: float = 1.0
    in_flight: int = 256


class Connection:
    """Safe to share between threads and event loops."""

    def __init__(self, options: Options, line: Line) -> None:
        self.options = options
        self._line = line
        self._handles: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._last_answer = 0.0
        # Modal's client waits for ever while it is throttled; so it says what it waits for. Read at every request.
        os.environ.setdefault("MODAL_MAX_THROTTLE_WAIT", str(max(1, int(options.timeout / 4))))

    def handle(self, model: str) -> Any:
        """What calls of a model are sent through.

        Raises:
            BackendMisconfigured: for a model it does not have.
        """
        import modal

        if model not in REMOTE:
            known = ", ".join(MODELS)
            raise BackendMisconfigured(f"The Modal backend has no model named {model}; it has {known}.")
        with self._lock:
            if model not in self._handles:
                found = modal.Cls.from_name(self.options.app_name, REMOTE[model].cls)
                self._handles[model] = found().answer
            return self._handles[model]

    def function_id(self, model: str) -> str:
        """Modal's id of the function that a model's handle stands for; empty while it has not been used."""
        with self._lock:
            handle = self._handles.get(model)
        return str(getattr(handle, "object_id", None) or "")

    def drop(self, model: str | None) -> None:
        """Forget the handle of a model, or all of them."""
        with self._lock:
            if model is None:
                self._handles.clear()
            self._handles.pop(model or "", None)

    async def reliably(
        self,
        operation: Callable[[], Awaitable[T]],
        model: str | None,
        allowance: Allowance,
        on_retry: OnRetry | None = None,
    ) -> T:
        """The operation's answer; what passes by is tried again, a lost handle is looked up once more."""

        async def attempt() -> T:
            try:
                return await self.once(operation, allowance)
            except NotDeployed:
                self.drop(model)
                if model is None:
                    raise
                return await self.once(operation, allowance)
            except PASSING:
                self.drop(model)
                raise

        def note(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            log.info(
                "Attempt %d on Modal failed, again in %.1f s: %s", state.attempt_number, state.upcoming_sleep, error
            )
            if on_retry is not None and isinstance(error, BackendError):
                on_retry(error)

        def enough(state: RetryCallState) -> bool:
            return state.attempt_number > self.options.max_retries or state.upcoming_sleep >= allowance.left

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PASSING),
            wait=growing(self.options.retry_delay),
            stop=enough,
            before_sleep=note,
            reraise=True,
        )
        return await retrying(attempt)

    async def once(self, operation: Callable[[], Awaitable[T]], allowance: Allowance) -> T:
        """One attempt, given up when the allowance is used up. Raises BackendError."""
        attempt = asyncio.ensure_future(self._attempt(operation))
        try:
            while not attempt.done():
                await asyncio.wait({attempt}, timeout=max(LEAST_SECONDS, allowance.left))
                if not attempt.done() and allowance.left <= 0:
                    raise BackendUnavailable("Modal did not answer in time.")
            return attempt.result()
        except Exception as error:
            ours = translated(error)
            if ours is error:
                raise
            raise ours from error
        finally:
            attempt.cancel()
            await asyncio.wait({attempt})

    async def _attempt(self, operation: Callable[[], Awaitable[T]]) -> T:
        # while something is sent over a slow line, the look at the socket itself would take too long
        if time.monotonic() - self._last_answer > PROBE_AFTER and not self._line.message():
            await reach()
        answer = await operation()
        self._last_answer = time.monotonic()
        return answer
