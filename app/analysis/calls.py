"""Send a call and collect it later, with the ledger: each half is one checkpointed step of a job.

The id a call can be collected with is written into the ledger the moment it is known, under the job that made it: a
step that is run again after a crash finds it there and sends nothing a second time.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from dbos import DBOS

from app.analysis.model_choice import Choice
from app.jobs.current import Bench, Lane
from app.survey.calls import ledger
from app.survey.calls.ledger import Sent
from modal_backend.client import ModalBackend
from modal_backend.contracts import Result
from modal_backend.errors import BackendError, BackendUnavailable, NotDeployed, QueueFull, ResultLost
from modal_backend.registry import MODELS

POLL_SECONDS = 1.0
FIRST_PAUSE = 0.2
LOOK_AFTER = 5.0
LONGEST_PAUSE = 30.0


async def send(
    job: str, models: Sequence[str], make: Callable[[], tuple[Any, Sequence[Any]]], lane: Lane
) -> tuple[Any, dict[str, Sent]] | None:
    """Send the same inputs to some models, or find the calls this job has sent before; None without inputs.

    make gives what the job wants to remember and the inputs; it runs in a thread, again for every new attempt, so
    that no pictures are kept in memory while nothing answers. lane bounds how many prepare and send at a time.
    While nothing answers it waits and tries again, or raises BackendUnavailable where MODAL_FALLBACK_TO_QUEUE is
    false. Raises BackendError for what waiting does not cure.
    """
    opened: dict[str, Sent] = {}
    try:
        return await _send_patiently(job, models, make, lane, opened)
    except asyncio.CancelledError:
        for call in opened.values():
            await _give_up(call)
        raise


async def chosen() -> Choice:
    """Which models are in use. Never waits for long: calls themselves wait, in the ledger."""
    return await asyncio.to_thread(Bench.shop.choose)


async def _send_patiently(
    job: str,
    models: Sequence[str],
    make: Callable[[], tuple[Any, Sequence[Any]]],
    lane: Lane,
    opened: dict[str, Sent],
) -> tuple[Any, dict[str, Sent]] | None:
    queued_at, patience = time.time(), Patience()
    while True:
        async with lane.sends:
            remembered, inputs = await asyncio.to_thread(make)
            if not inputs:
                return None
            trouble = None
            for model in models:
                if model not in opened or not opened[model].remote_id:
                    opened[model] = await _opened(job, model, len(inputs), queued_at)
                try:
                    opened[model] = await _sent(opened[model], model, inputs)
                except (BackendUnavailable, QueueFull) as error:
                    trouble = (opened[model], error)
                    break
        if trouble is None:
            return remembered, opened
        await patience.wait(*trouble)


async def _opened(job: str, model: str, items: int, queued_at: float) -> Sent:
    return await asyncio.to_thread(
        ledger.open_call,
        Bench.shop.survey,
        job=f"{job}/{model}",
        task=MODELS[model].task,
        model=model,
        backend=Bench.shop.backend.name,
        items=items,
        executor_id=Bench.shop.executor_id,
        queued_at=queued_at,
    )


async def _sent(call: Sent, model: str, inputs: Sequence[Any]) -> Sent:
    if call.remote_id:
        return call
    attempts = 0

    def again(_error: BackendError) -> None:
        nonlocal attempts
        attempts += 1

    try:
        remote_id = await Bench.shop.backend.submit_async(model, inputs, again)
    except (BackendUnavailable, QueueFull):
        await asyncio.to_thread(ledger.tried, Bench.shop.survey, call.id, attempts + 1)
        raise
    except BackendError as error:
        await _close(call, "failed", error)
        raise
    await asyncio.to_thread(ledger.sent, Bench.shop.survey, call.id, remote_id, attempts)
    return Sent(call.id, remote_id)


async def collect(call: Sent, model: str, lane: Lane) -> Result | None:
    """The result of a call that was sent; None when it is lost and has to be made again.

    Waits as long as it takes, and writes into the ledger why it waits. When the job is cancelled, so is the call.
    Raises BackendError when the call failed.
    """
    try:
        return await _wait_for(call, model, lane)
    except ResultLost as error:
        await _close(call, "lost", error)
        return None
    except BackendError as error:
        await _close(call, "failed", error)
        raise
    except asyncio.CancelledError:
        await _give_up(call)
        raise


async def _wait_for(call: Sent, model: str, lane: Lane) -> Result:
    patience, pause, since = Patience(), FIRST_PAUSE, time.monotonic()
    while True:
        try:
            async with lane.polls:
                result = await Bench.shop.backend.collect_async(call.remote_id, POLL_SECONDS)
        except BackendUnavailable as error:
            await patience.wait(call, error)
            continue
        if result is not None:
            return result
        patience.over()
        if time.monotonic() - since > LOOK_AFTER:
            await patience.tell(call, await _look_why(model))
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(1.5 * pause, lane.longest_pause)


async def closed(call: Sent, result: Result) -> None:
    """Write down that a call's result has been kept."""
    await asyncio.to_thread(ledger.close, Bench.shop.survey, call.id, "done", None, result)


class Patience:
    """Growing pauses while nothing answers, told in the ledger."""

    def __init__(self) -> None:
        self._pause = Bench.settings.modal_retry_delay
        self._told = False

    async def wait(self, call: Sent, error: BackendError) -> None:
        """Pause, or raise the error where jobs must not wait."""
        if not Bench.settings.modal_fallback_to_queue:
            await _close(call, "failed", error)
            raise error
        await self.tell(call, f"waits for Modal: {error}")
        await asyncio.sleep(self._pause * random.uniform(0.5, 1.5))
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def tell(self, call: Sent, note: str | None) -> None:
        """Write what the call waits for into the ledger; None when there is nothing to say any more."""
        if note or self._told:
            await asyncio.to_thread(ledger.update, Bench.shop.survey, call.id, note=note)
        self._told = note is not None

    def over(self) -> None:
        """Modal has answered."""
        self._pause = Bench.settings.modal_retry_delay


async def _look_why(model: str) -> str | None:
    """After a while without a result: is the app still there, does anything run at all? What to tell, if anything."""
    backend = Bench.shop.backend
    if not isinstance(backend, ModalBackend):
        return None
    at, stats = Bench.looked.get(model, (0.0, None))
    if stats is None or time.monotonic() - at > LOOK_AFTER:
        try:
            stats = await backend.current_stats_async(model)
        except NotDeployed:
            raise
        except BackendError:
            return None
        Bench.looked[model] = (time.monotonic(), stats)
    if stats.stalled_seconds >= Bench.settings.modal_stall_seconds:
        return stalled_text(model, stats.backlog, stats.stalled_seconds)
    return None


def stalled_text(model: str, backlog: int, seconds: float) -> str:
    """The sentence about a backlog with nothing running; Modal itself never fails such a call."""
    return (
        f"{model}: {backlog} calls wait on Modal and nothing has run for {seconds:.0f} s: its containers probably fail "
        f"to start. Look at: modal app logs {Bench.settings.modal_app_name}"
    )


async def _give_up(call: Sent) -> None:
    """The job's step is being ended: because the job was cancelled, or because this worker stops."""
    status = await DBOS.get_workflow_status_async(DBOS.workflow_id or "")
    if status is None or status.status != "CANCELLED":
        return
    await asyncio.to_thread(ledger.close, Bench.shop.survey, call.id, "cancelled", "The job was cancelled.")
    if call.remote_id:
        await Bench.shop.backend.cancel_async(call.remote_id)


async def _close(call: Sent, outcome: str, error: BackendError) -> None:
    text = f"{type(error).__name__}: {error}"[:2000]
    await asyncio.to_thread(ledger.close, Bench.shop.survey, call.id, outcome, text)
