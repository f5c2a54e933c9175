"""Every call of every model: opened in the ledger, sent once with its id kept, collected, closed or given up.

The id a call can be collected with is written into the ledger the moment it is known, under the job that makes the
call and a digest of what is asked. A job that is run again after a crash comes to the same digest, finds the call and
collects it: nothing is sent a second time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tenacity import AsyncRetrying, retry_if_exception_type, retry_if_result, retry_never

from app.analysis.answers import checked
from app.analysis.call_watch import CANCELLED, LOOK_AFTER, CallWatch
from app.analysis.context import Context
from app.analysis.digest import digest
from app.survey.calls import ledger
from app.survey.calls.ledger import Opening, Sent
from modal_backend.contracts import Result
from modal_backend.errors import BackendError, ResultLost, sentence
from modal_backend.registry import MODELS
from modal_backend.waiting import AWAITED, growing

log = logging.getLogger("pugmark.calls")
TIMES_SENT = 2  # an answer that is lost twice would be lost again
SENDERS, QUESTIONS = 4, 24
FIRST_PAUSE = 0.2
REPORT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Lane:
    """What calls of one kind share, so that the other kind never waits for it.

    longest_pause: seconds between two questions about one call. sends: how many prepare inputs and send them at a
    time. polls: how many ask for a result at a time: Modal's connection carries some hundred questions at once, and a
    question that waits would keep others from being asked.
    """

    longest_pause: float = 0.5
    sends: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SENDERS))
    polls: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(QUESTIONS))


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. about: given back with the answers. digest: names the inputs, the same after a restart."""

    about: Any
    digest: str
    inputs: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer. call_id: the ledger's."""

    model: str
    result: Result
    call_id: int


async def ask(
    context: Context,
    job: str | None,
    models: Sequence[str],
    make: Callable[[], Request],
    lane: Lane,
    *,
    again: bool = True,
) -> tuple[Any, list[Answer]]:
    """Ask some models the same; waits as long as it takes, and the ledger says what for.

    Args:
        job: who asks: run again after a crash, it gets the answers of the calls it sent. None where nobody goes on.
        models: names of models.
        make: gives the request; runs in a thread, again for every new attempt, so that no pictures are kept in memory
            while nothing answers.
        lane: bounds how many send and ask at a time.
        again: an answer that is lost may be asked for once more.

    Returns:
        `about` of the request, and one answer a model in order; no answers where there was nothing to ask.

    Raises:
        ResultLost: the answer is gone.
        BackendError: what waiting does not cure, or BackendUnavailable where MODAL_FALLBACK_TO_QUEUE is false.
    """
    lost = ""
    for _ in range(TIMES_SENT if again else 1):
        about, items, sent = await _send(context, job, models, make, lane)
        if lost:
            for call in sent.values():
                await asyncio.to_thread(ledger.update, context.survey, call.id, note=f"made again: {lost}")
        results = await asyncio.gather(
            *(_collect(context, call, model, items, lane) for model, call in sent.items()), return_exceptions=True
        )
        found, lost = [], ""
        for (model, call), result in zip(sent.items(), results, strict=True):
            if isinstance(result, Result):
                found.append(Answer(model, result, call.id))
            elif isinstance(result, ResultLost):
                lost = str(result)
            else:
                raise result
        if not lost:
            return about, found
    raise ResultLost(f"The answer of {', '.join(models)} was lost. {lost}")


def call(context: Context, job: str | None, model: str, inputs: Sequence[Any]) -> Answer:
    """Ask one model from a thread without an event loop; see `ask`."""
    request = Request(None, digest(inputs) if job and context.backend.elsewhere else "", inputs)
    _, (answer,) = asyncio.run(ask(context, job, [model], lambda: request, Lane()))
    return answer


async def give_up(context: Context, job: str) -> int:
    """Cancel the open calls of a job and of the jobs it started, also on Modal; returns how many there were."""
    calls = await asyncio.to_thread(ledger.open_calls, context.survey, job)
    await _close_open(context, calls, "cancelled", CANCELLED)
    return len(calls)


def begin(
    context: Context, job: str, model: str, items: int, *, backend: str = "", queued_at: float | None = None
) -> Sent:
    """Open a call that this process makes itself; whoever does so ends it with `ledger.end`.

    backend: who answers, where that is not the context's backend.
    """
    where = backend or context.backend.name
    opening = _opening(context, job, model, Request(None, "", ()), queued_at or time.time())
    return ledger.open_call(context.survey, replace(opening, backend=where, items=items))


@contextmanager
def noted(context: Context, job: str, model: str, items: int) -> Iterator[None]:
    """The ledger's row of work that this process does itself in the block; errors pass through after being noted."""
    start, row = time.monotonic(), begin(context, job, model, items)
    try:
        yield
    except BaseException as error:
        ledger.close(context.survey, row.id, "failed", _text(error))
        raise
    with context.survey.write() as session:
        ledger.end(session, row.id, "done", run_seconds=time.monotonic() - start)


async def _send(
    context: Context, job: str | None, models: Sequence[str], make: Callable[[], Request], lane: Lane
) -> tuple[Any, int, dict[str, Sent]]:
    queued_at = time.time()

    async def attempt() -> tuple[Any, int, dict[str, Sent]]:
        async with lane.sends:
            request = await asyncio.to_thread(make)
            if not request.inputs:
                return request.about, 0, {}
            openings = {model: _opening(context, job, model, request, queued_at) for model in models}
            sent: dict[str, Sent] = {}
            try:
                for model, opening in openings.items():
                    sent[model] = await _submit(context, opening, request.inputs)
            except BackendError as error:
                if not _is_awaited(context, error):
                    await _close_open(context, list(sent.values()), "failed", _text(error))
                raise
            return request.about, len(request.inputs), sent

    return await _patient(context)(attempt)


async def _close_open(context: Context, calls: Sequence[Sent], state: str, reason: str) -> None:
    """End calls that nobody will collect, in the ledger and on Modal."""
    for sent in calls:
        if sent.remote_id:
            try:
                await _patient(context)(context.backend.cancel_async, sent.remote_id)
            except BackendError as error:
                log.warning("The call %s could not be cancelled: %s", sent.remote_id, error)
        await asyncio.to_thread(ledger.close, context.survey, sent.id, state, reason)


async def _submit(context: Context, opening: Opening, inputs: Sequence[Any]) -> Sent:
    survey, backend, failed = context.survey, context.backend, 0

    def again(_error: BackendError) -> None:
        nonlocal failed
        failed += 1

    row = await asyncio.to_thread(ledger.open_call, survey, opening, answered=backend.elsewhere)
    if row.remote_id:
        return row
    reporting = asyncio.create_task(_report_sending(context, row.id))
    try:
        if context.budget:
            await asyncio.to_thread(context.budget.require, opening.model, opening.items)
        remote_id = await backend.submit_async(opening.model, inputs, again, row.key)
    except BackendError as error:
        if _is_awaited(context, error):
            await asyncio.to_thread(ledger.tried, survey, row.id, failed + 1, _waits_for(error))
        else:
            await asyncio.to_thread(ledger.close, survey, row.id, "failed", _text(error))
        raise
    finally:
        reporting.cancel()
    sent = Sent(row.id, remote_id, backend.function_of(opening.model))
    await asyncio.to_thread(ledger.sent, survey, sent, failed)
    return sent


async def _report_sending(context: Context, call_id: int) -> None:
    """Say in a call's row how far what is being sent has come, as long as that takes."""
    written = ""
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        if (message := context.backend.sending()) != written:
            written = message
            await asyncio.to_thread(ledger.sending, context.survey, call_id, message)


async def _collect(context: Context, sent: Sent, model: str, items: int, lane: Lane) -> Result:
    """The result of a call that was sent. Raises ResultLost when it has to be made again."""
    try:
        result = checked(model, await _wait_for(context, sent, model, lane), items)
    except ResultLost as error:
        await asyncio.to_thread(ledger.close, context.survey, sent.id, "lost", _text(error))
        raise
    except Exception as error:
        if str(error) != CANCELLED:
            await asyncio.to_thread(ledger.close, context.survey, sent.id, "failed", _text(error))
        raise
    await asyncio.to_thread(ledger.close, context.survey, sent.id, "done", None, result)
    return result


async def _wait_for(context: Context, sent: Sent, model: str, lane: Lane) -> Result:
    watch, since = CallWatch(context, sent, model), time.monotonic()

    async def question() -> Result | None:
        try:
            if time.monotonic() - since > LOOK_AFTER:
                await watch.look()
            async with lane.polls:
                result = await context.backend.collect_async(sent.remote_id, context.backend.wait_seconds)
            if result is None:
                await watch.check_deployment()
            return result
        except AWAITED as error:
            if context.waiting.forever:
                await watch.note(_waits_for(error))
            raise

    later = retry_if_exception_type(AWAITED) if context.waiting.forever else retry_never
    pauses = growing(FIRST_PAUSE, lane.longest_pause)
    retrying = AsyncRetrying(retry=later | retry_if_result(lambda found: found is None), wait=pauses, reraise=True)
    result: Result | None = await retrying(question)
    assert result is not None
    return result


def _patient(context: Context) -> AsyncRetrying:
    """Tries again for ever what may pass by or be mended; once where jobs must not wait."""
    later = retry_if_exception_type(AWAITED) if context.waiting.forever else retry_never
    return AsyncRetrying(retry=later, wait=growing(context.waiting.first_pause), reraise=True)


def _opening(context: Context, job: str | None, model: str, request: Request, queued_at: float) -> Opening:
    return Opening(
        job=job,
        digest=request.digest,
        task=MODELS[model].task,
        model=model,
        backend=context.backend.name,
        items=len(request.inputs),
        executor_id=context.executor_id,
        queued_at=queued_at,
    )


def _is_awaited(context: Context, error: BackendError) -> bool:
    return isinstance(error, AWAITED) and context.waiting.forever


def _waits_for(error: BackendError) -> str:
    return f"waits for Modal: {sentence(error)}"[:2000]


def _text(error: BaseException) -> str:
    details = getattr(error, "details", "")
    return f"{type(error).__name__}: {error}"[:2000] + (f"\n\n{details}" if details else "")
