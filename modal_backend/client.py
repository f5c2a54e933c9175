"""The Modal backend: submit a call, keep its id, collect its result; every operation with a deadline of our own.

The Modal client alone may hang for ever (a submit that is never answered), 161 s (a black hole) or 58 s (no network,
fresh process).
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from modal_backend.backend import OnRetry
from modal_backend.contracts import CurrentStats, Health, Provenance, Result
from modal_backend.errors import (
    BackendError,
    BackendMisconfigured,
    BackendUnavailable,
    JobFailed,
    NotDeployed,
    ResultLost,
)
from modal_backend.remote import wire
from modal_backend.remote.connection import Connection, Options
from modal_backend.remote.error_map import translated
from modal_backend.remote.idempotency import sent_under
from modal_backend.remote.line import Allowance, Line
from modal_backend.weights.files import VOLUME, models_listed

# Long polls: the server keeps a question open for at most 55 s.
LONGEST_WAIT = 50.0
# A question about a call that is not answered for so long: the next one about this call may take twice as long, as a
# large result does on a slow line.
FIRST_QUESTION, LONGEST_QUESTION = 30.0, 240.0
STATS_SECONDS = 5.0
WARM_SECONDS = 20.0


class ModalBackend:
    """Calls of the deployed app. Safe to share between threads and event loops.

    The methods that end in _async are for code that runs in an event loop; the others must not be called from one.
    """

    name = "modal"
    elsewhere = True
    # Modal's connection carries some hundred questions at once, so none stays open for long.
    wait_seconds = 1.0
    pairs_at_once = sys.maxsize  # a second call would take longer than what is saved

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self._line = Line()
        self._connection = Connection(self.options, self._line)
        self._stalled_since: dict[str, float] = {}
        self._question_seconds: dict[str, float] = {}

    @property
    def in_flight(self) -> int:
        """As many as the settings allow."""
        return self.options.in_flight

    @property
    def batches_ahead(self) -> int:
        """Enough for a call that takes much longer than the others."""
        return 4 * self.options.in_flight

    @property
    def call_bytes(self) -> int:
        """As many as the line carries in some seconds."""
        return self._line.call_bytes

    def load(self, model: str) -> float:
        """Nothing: containers load their models themselves."""
        del model
        return 0.0

    def known_provenance(self, model: str) -> Provenance | None:
        """None: only an answer tells what is deployed."""
        del model
        return None

    def submit(self, model: str, inputs: Sequence[Any], on_retry: OnRetry | None = None, key: str = "") -> str:
        """Begin a call; returns its id, with which any process can collect it. See `submit_async`."""
        return asyncio.run(self.submit_async(model, inputs, on_retry, key))

    def collect(self, call_id: str, wait: float = 0.0) -> Result | None:
        """The result of a call; None when it is not there after `wait` seconds. See `collect_async`."""
        return asyncio.run(self.collect_async(call_id, wait))

    def cancel(self, call_id: str) -> None:
        """Give a call up, also when it runs. Raises BackendError."""
        asyncio.run(self.cancel_async(call_id))

    def current_stats(self, model: str, seconds: float = STATS_SECONDS) -> CurrentStats:
        """What waits and runs for one model. Raises BackendError, within `seconds`."""
        return asyncio.run(self.current_stats_async(model, seconds))

    def call(self, model: str, inputs: Sequence[Any]) -> Result:
        """Submit, then collect within MODAL_TIMEOUT; a call that is given up is cancelled. Raises BackendError."""
        return asyncio.run(self.call_async(model, inputs))

    async def submit_async(
        self, model: str, inputs: Sequence[Any], on_retry: OnRetry | None = None, key: str = ""
    ) -> str:
        """Begin a call; returns its id. A key begins one call, however often and by whichever process it is sent.

        Tried again with growing pauses while nothing answers. Raises BackendUnavailable or QueueFull when that did
        not help within the deadline, NotDeployed, BackendMisconfigured.
        """
        packed = await asyncio.to_thread(wire.pack_call, inputs, model)
        size, stopped, key = wire.size(packed), list[str](), key or uuid.uuid4().hex

        async def spawn() -> str:
            handle = self._connection.handle(model)
            with self._line.sending(size, stopped):
                await handle.hydrate.aio()
                with sent_under(key, handle):
                    call = await handle.spawn.aio(packed)
            return str(call.object_id)

        with self._line.asked(size, self.options.timeout) as allowance:
            try:
                return await self._connection.reliably(spawn, model, allowance, on_retry)
            except BackendUnavailable as error:
                if not stopped:
                    raise
                raise BackendUnavailable(f"{stopped[-1]} had arrived. {error}", remedy=error.remedy) from error

    def sending(self) -> str:
        """See `Backend.sending`."""
        return self._line.message()

    def function_of(self, model: str) -> str:
        """See `Backend.function_of`."""
        return self._connection.function_id(model)

    async def collect_async(self, call_id: str, wait: float = 0.0) -> Result | None:
        """The result of a call, as often as it is asked for; None when it is not there after `wait` seconds.

        Raises JobFailed, ResultLost, WeightsMissing or BackendMisconfigured for this call, BackendUnavailable when
        nothing answers: then the call may still be collected later.
        """
        import modal

        async def get() -> list[Any]:
            call = modal.FunctionCall.from_id(call_id)
            try:
                return [await call.get.aio(timeout=min(wait, LONGEST_WAIT))]
            except TimeoutError as error:
                if isinstance(translated(error), JobFailed):
                    raise
                return []

        seconds = self._question_seconds.get(call_id, min(self.options.timeout, FIRST_QUESTION))
        try:
            answers = await self._connection.reliably(get, None, Allowance(seconds + wait))
        except NotDeployed as error:
            raise ResultLost(f"Modal does not know the call {call_id}.") from error
        except BackendUnavailable:
            self._question_seconds[call_id] = min(2 * seconds, LONGEST_QUESTION)
            raise
        self._question_seconds.pop(call_id, None)
        return await asyncio.to_thread(wire.unpack_answer, answers[0]) if answers else None

    async def call_async(self, model: str, inputs: Sequence[Any]) -> Result:
        """Submit, then collect; see `call`. A lost result is asked for once more."""
        deadline = time.monotonic() + self.options.timeout
        call_id, lost = await self.submit_async(model, inputs), False
        while (left := deadline - time.monotonic()) > 0:
            try:
                result = await self.collect_async(call_id, left)
            except ResultLost:
                if lost:
                    raise
                call_id, lost = await self.submit_async(model, inputs), True
                continue
            if result is not None:
                return result
        await self.cancel_async(call_id)
        raise BackendUnavailable(f"{model} did not answer within {self.options.timeout:.0f} s; the call was cancelled.")

    async def cancel_async(self, call_id: str) -> None:
        """Give a call up; see `cancel`."""
        import modal

        async def give_up() -> None:
            await modal.FunctionCall.from_id(call_id).cancel.aio(terminate_containers=False)

        await self._connection.reliably(give_up, None, Allowance(self.options.timeout))

    async def current_stats_async(self, model: str, seconds: float = STATS_SECONDS) -> CurrentStats:
        """What waits and runs for one model as it is deployed now, once, without retries. Raises BackendError."""

        async def ask() -> Any:
            self._connection.drop(model)
            return await self._connection.handle(model).get_current_stats.aio()

        try:
            stats = await self._connection.once(ask, Allowance(seconds))
        except NotDeployed:
            self._connection.drop(model)
            raise
        stalled = self._stalled(model, stats.backlog > 0 and stats.num_running_inputs == 0)
        return CurrentStats(
            stats.backlog,
            stats.num_total_runners,
            stats.num_running_inputs,
            stats.input_headroom,
            stalled,
            self.function_of(model),
        )

    def keep_warm(self, model: str, containers: int, seconds: float = WARM_SECONDS) -> int:
        """Keep at least so many containers of a model running, 0 for none; returns what Modal keeps then.

        It is charged while it lasts; the next deployment undoes it. Raises BackendError, within `seconds`.
        """

        async def update() -> Any:
            return await self._connection.handle(model).autoscaler.update.aio(min_containers=containers)

        return int(asyncio.run(self._connection.once(update, Allowance(seconds))).min_containers or 0)

    def kept_warm(self, model: str, seconds: float = STATS_SECONDS) -> int:
        """How many containers of a model Modal keeps running without any call. Raises BackendError."""

        async def ask() -> Any:
            return await self._connection.handle(model).autoscaler.settings.aio()

        return int(asyncio.run(self._connection.once(ask, Allowance(seconds))).min_containers or 0)

    def health(self, seconds: float = STATS_SECONDS) -> Health:
        """Whether the app is deployed and answers; never raises, and never takes longer than `seconds`."""

        async def look_up() -> None:
            import modal

            await modal.Function.from_name(self.options.app_name, "test_wrapper").hydrate.aio()

        try:
            asyncio.run(self._connection.once(look_up, Allowance(seconds)))
        except BackendError as error:
            return Health(_state_of(error), str(error), error.remedy)
        return Health("ready")

    def versions(self) -> dict[str, str]:
        """What is installed there, by package, and its contract. Raises BackendError."""
        return dict(self._answer("test_wrapper", self.options.timeout))

    def runnable(self) -> Collection[str]:
        """Models with weights in the Volume, which is listed; none where it cannot be. Raises BackendUnavailable."""

        async def ask() -> dict[str, int]:
            import modal

            entries = await modal.Volume.from_name(VOLUME).listdir.aio("/", recursive=True)
            return {entry.path.lstrip("/"): entry.size for entry in entries}

        try:
            return models_listed(asyncio.run(self._connection.once(ask, Allowance(STATS_SECONDS))))
        except BackendUnavailable:
            raise
        except BackendError:
            return ()

    def weights_there(self, seconds: float | None = None) -> list[str]:
        """Names of the models whose weights lie in the Volume, as the deployed app tells. Raises BackendError."""
        return list(self._answer("weights_there", seconds or self.options.timeout))

    def _answer(self, function: str, seconds: float) -> Any:
        """What a function of the deployed app that takes nothing returns."""

        async def ask() -> Any:
            import modal

            return await modal.Function.from_name(self.options.app_name, function).remote.aio()

        return asyncio.run(self._connection.once(ask, Allowance(seconds)))

    def _stalled(self, model: str, idle: bool) -> float:
        if not idle:
            self._stalled_since.pop(model, None)
            return 0.0
        return time.monotonic() - self._stalled_since.setdefault(model, time.monotonic())


def _state_of(error: BackendError) -> str:
    if isinstance(error, NotDeployed):
        return "not deployed"
    return "not configured" if isinstance(error, BackendMisconfigured) else "unreachable"
