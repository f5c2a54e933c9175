"""What every backend can do, wherever its models run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from modal_backend.contracts import CurrentStats, Health, Provenance, Result
from modal_backend.errors import BackendError

OnRetry = Callable[[BackendError], None]


class Backend(Protocol):
    """Submit a call, keep its id, collect its result. Safe to share between threads.

    The methods that end in _async are for code that runs in an event loop; the others must not be called from one.
    """

    @property
    def name(self) -> str:
        """Stored with every result: "embedded" or "modal"."""

    @property
    def in_flight(self) -> int:
        """How many batches of pictures are worth having under way at a time."""

    @property
    def batches_ahead(self) -> int:
        """How many batches an import may have ready or under way, so that the models never wait for the next one."""

    @property
    def pairs_at_once(self) -> int:
        """How many pairs of crops the matcher had better be asked for in one call: between calls it can be stopped."""

    @property
    def call_bytes(self) -> int:
        """About how many bytes of inputs one call had better hold."""

    @property
    def wait_seconds(self) -> float:
        """For how long one question for a result may stay open."""

    @property
    def elsewhere(self) -> bool:
        """Whether the models run outside this process: their calls outlive it and can be collected later."""

    def load(self, model: str) -> float:
        """Make a model ready where that is this process's matter; returns the seconds it took. Raises BackendError."""

    def known_provenance(self, model: str) -> Provenance | None:
        """Where a model's results will come from; None where only an answer tells. Raises BackendError."""

    def call(self, model: str, inputs: Sequence[Any]) -> Result:
        """Submit and collect. Raises BackendError."""

    def submit(self, model: str, inputs: Sequence[Any], on_retry: OnRetry | None = None, key: str = "") -> str:
        """Begin a call; returns the id to collect it with. Raises BackendError.

        key: the same for every attempt at one call, whoever makes it, so that it is begun once.
        """

    def sending(self) -> str:
        """How far what is being sent has come, where the line is slow; else empty."""

    def function_of(self, model: str) -> str:
        """Modal's id of the function that calls of a model were last sent to, see `CurrentStats`; empty here."""

    def collect(self, call_id: str, wait: float = 0.0) -> Result | None:
        """The result of a call; None when it is not there after `wait` seconds.

        Raises ResultLost when there will be none and the call has to be made again, and what the call raised.
        """

    def cancel(self, call_id: str) -> None:
        """Give a call up. Raises BackendError."""

    def current_stats(self, model: str) -> CurrentStats:
        """What waits and runs for one model. Raises BackendError."""

    def health(self) -> Health:
        """Whether the backend answers. Never raises."""

    def runnable(self) -> Collection[str]:
        """Names of the models whose weights lie where this backend runs; no container is started for the answer.

        Raises BackendUnavailable when nothing answers.
        """

    async def submit_async(
        self, model: str, inputs: Sequence[Any], on_retry: OnRetry | None = None, key: str = ""
    ) -> str:
        """See `submit`."""

    async def collect_async(self, call_id: str, wait: float = 0.0) -> Result | None:
        """See `collect`."""

    async def cancel_async(self, call_id: str) -> None:
        """See `cancel`."""

    async def current_stats_async(self, model: str) -> CurrentStats:
        """See `current_stats`."""
