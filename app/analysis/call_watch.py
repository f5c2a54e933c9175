"""What a call that takes long waits for, written into the ledger while it waits."""

from __future__ import annotations

import asyncio
import logging
import time

from app.analysis.context import Context
from app.survey.calls import ledger
from app.survey.calls.ledger import Sent
from modal_backend.errors import BackendError, JobFailed, NotDeployed, ResultLost

log = logging.getLogger("pugmark.calls")
LOOK_AFTER = 5.0
CANCELLED = "The job was cancelled."
NOBODY_ANSWERS = "The app was stopped and deployed again after this call was sent, so nobody will answer it."


class CallWatch:
    """The watch over one call that was sent."""

    def __init__(self, context: Context, sent: Sent, model: str) -> None:
        self._context, self._sent, self._model = context, sent, model
        self._noted = False
        self._deployed = ""

    async def note(self, note: str | None) -> None:
        """Write what the call waits for; None when there is nothing to say any more."""
        if note or self._noted:
            await asyncio.to_thread(ledger.update, self._context.survey, self._sent.id, note=note)
        self._noted = note is not None

    async def look(self) -> None:
        """See why there is no result yet. Raises JobFailed when somebody gave the call up, and NotDeployed."""
        context = self._context
        if await asyncio.to_thread(ledger.is_cancelled, context.survey, self._sent.id):
            raise JobFailed(CANCELLED)
        at, stats = context.stats.get(self._model, (0.0, None))
        if stats is None or time.monotonic() - at > LOOK_AFTER:
            try:
                stats = await context.backend.current_stats_async(self._model)
            except NotDeployed:
                raise
            except BackendError:
                return
            context.stats[self._model] = (time.monotonic(), stats)
        self._deployed = stats.function
        stalled = stats.stalled_seconds >= context.waiting.stalled_after
        app_name = context.waiting.app_name
        await self.note(stalled_text(self._model, stats.backlog, stats.stalled_seconds, app_name) if stalled else None)

    async def check_deployment(self) -> None:
        """Give the call up where what is deployed now is not what it was sent to. Raises ResultLost."""
        sent = self._sent
        if not (self._deployed and sent.function_id) or self._deployed == sent.function_id:
            return
        try:
            await self._context.backend.cancel_async(sent.remote_id)
        except BackendError as error:
            log.warning("The call %s could not be cancelled: %s", sent.remote_id, error)
        raise ResultLost(NOBODY_ANSWERS)


def stalled_text(model: str, backlog: int, seconds: float, app_name: str) -> str:
    """The sentence about a backlog with nothing running; Modal itself never fails such a call."""
    return (
        f"{model}: {backlog} calls wait on Modal and nothing has run for {seconds:.0f} s: its containers probably fail "
        f"to start. Look at: modal app logs {app_name}"
    )
