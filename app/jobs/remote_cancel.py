"""Give up the calls of a cancelled import that no step looks after: the job was between sending and collecting."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from dbos import DBOS

from app.jobs.current import Bench
from app.jobs.queue import FINISH, import_workflow_id
from app.survey.calls import ledger
from app.survey.calls.ledger import Sent
from app.survey.tables.calls import Call
from modal_backend.client import ModalBackend
from modal_backend.errors import BackendError, BackendUnavailable

# A step that is being ended by the cancellation sees to its own call first.
SETTLE_SECONDS = 2.0
LONGEST_PAUSE = 30.0


@DBOS.workflow(name="give_up_calls")
async def give_up_calls(import_id: int, attempt: int) -> int:
    """Cancel on Modal what this attempt at an import still has there; returns how many calls that were."""
    await DBOS.sleep_async(SETTLE_SECONDS)
    return await cancel_open_calls(import_workflow_id(import_id, attempt))


@DBOS.step()
async def cancel_open_calls(workflow_id: str) -> int:
    """Cancel the open calls of a workflow and its windows; waits while Modal cannot be reached."""
    calls = await asyncio.to_thread(_open_calls, workflow_id)
    for call in calls:
        if call.remote_id:
            await _cancel_patiently(call)
        await asyncio.to_thread(ledger.close, Bench.shop.survey, call.id, "cancelled", "The job was cancelled.")
    return len(calls)


def _open_calls(workflow_id: str) -> list[Sent]:
    windows = [Call.job.startswith(f"{prefix}{workflow_id}-", autoescape=True) for prefix in ("", FINISH)]
    with Bench.shop.survey.read() as session:
        rows = session.execute(sa.select(Call.id, Call.remote_id).where(Call.outcome.is_(None), sa.or_(*windows)))
        return [Sent(row.id, row.remote_id or "") for row in rows]


async def _cancel_patiently(call: Sent) -> None:
    backend, pause = Bench.shop.backend, Bench.settings.modal_retry_delay
    while isinstance(backend, ModalBackend):
        try:
            await backend.cancel_async(call.remote_id)
        except BackendUnavailable:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        except BackendError as error:
            DBOS.logger.warning("The call %s could not be cancelled: %s", call.remote_id, error)
        return
