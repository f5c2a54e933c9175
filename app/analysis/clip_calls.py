"""Calls a clip needs. On Modal each is sent once and collected later, also by a worker that takes the job over.

A call is known in the ledger by its job, the pictures and the model: a step that is run again after a crash decodes the
clip again, comes to the same pictures, and collects the calls that were sent for them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.analysis.context import Workshop
from app.survey.calls import ledger
from app.survey.calls.ledger import Sent
from app.survey.tables.calls import Call
from modal_backend.client import ModalBackend
from modal_backend.contracts import Picture, Result
from modal_backend.errors import BackendError, BackendUnavailable, QueueFull, ResultLost
from modal_backend.registry import MODELS

POLL_SECONDS = 5.0


def call(
    shop: Workshop, job: str | None, model: str, inputs: Sequence[Any], pictures: Sequence[Picture]
) -> tuple[Result, int]:
    """A model's answer and the ledger's id of the call. inputs: made of the pictures.

    job: the workflow it belongs to; without one, or on this machine, it is made in one go. While Modal has not answered
    BackendUnavailable is raised and the call stays open, to be collected by whoever asks again. Raises BackendError.
    """
    if job is None or not isinstance(shop.backend, ModalBackend):
        return shop.call(model, inputs)
    name = f"{job}-clip-{_digest(pictures)}/{model}"
    sent = _known(shop, name)
    if sent is not None:
        try:
            return _collected(shop, shop.backend, sent, model), sent.id
        except ResultLost as error:
            _close(shop, sent, "lost", error)
    sent = _sent(shop, shop.backend, name, model, inputs)
    return _collected(shop, shop.backend, sent, model), sent.id


def give_up(shop: Workshop, job: str, reason: str) -> None:
    """Close what a job still has open, where nobody will ask for it again."""
    mine = Call.job.startswith(f"{job}-clip-", autoescape=True)
    with shop.survey.read() as session:
        ids = list(session.scalars(sa.select(Call.id).where(mine, Call.outcome.is_(None))))
    for call_id in ids:
        ledger.close(shop.survey, call_id, "failed", reason[:2000])


def _digest(pictures: Sequence[Picture]) -> str:
    told = hashlib.sha256()
    for picture in pictures:
        told.update(str(picture.shape).encode())
        told.update(picture.tobytes())
    return told.hexdigest()[:24]


def _known(shop: Workshop, name: str) -> Sent | None:
    """The call that was sent under this name, open or answered before."""
    usable = sa.or_(Call.outcome.is_(None), Call.outcome == "done")
    query = sa.select(Call.id, Call.remote_id).where(Call.job == name, Call.remote_id.is_not(None), usable)
    with shop.survey.read() as session:
        row = session.execute(query.order_by(Call.id.desc()).limit(1)).first()
    return Sent(row.id, row.remote_id) if row is not None and row.remote_id else None


def _sent(shop: Workshop, backend: ModalBackend, name: str, model: str, inputs: Sequence[Any]) -> Sent:
    row = ledger.open_call(
        shop.survey,
        job=name,
        task=MODELS[model].task,
        model=model,
        backend=backend.name,
        items=len(inputs),
        executor_id=shop.executor_id,
        queued_at=time.time(),
    )
    failed = 0

    def again(_error: BackendError) -> None:
        nonlocal failed
        failed += 1

    try:
        remote_id = backend.submit(model, inputs, again)
    except (BackendUnavailable, QueueFull) as error:
        ledger.tried(shop.survey, row.id, failed + 1)
        ledger.update(shop.survey, row.id, note=f"waits for Modal: {error}"[:2000])
        raise
    except BackendError as error:
        _close(shop, row, "failed", error)
        raise
    ledger.sent(shop.survey, row.id, remote_id, failed)
    return Sent(row.id, remote_id)


def _collected(shop: Workshop, backend: ModalBackend, sent: Sent, model: str) -> Result:
    deadline = time.monotonic() + backend.options.timeout
    try:
        while (left := deadline - time.monotonic()) > 0:
            result = backend.collect(sent.remote_id, min(left, POLL_SECONDS))
            if result is not None:
                ledger.close(shop.survey, sent.id, "done", None, result)
                return result
        late = f"{model} has not answered within {backend.options.timeout:.0f} s; its answer is collected when it has."
        raise BackendUnavailable(late)
    except ResultLost:
        raise
    except BackendUnavailable as error:
        ledger.update(shop.survey, sent.id, note=f"waits for Modal: {error}"[:2000])
        raise
    except BackendError as error:
        _close(shop, sent, "failed", error)
        raise


def _close(shop: Workshop, sent: Sent, outcome: str, error: BackendError) -> None:
    ledger.close(shop.survey, sent.id, outcome, f"{type(error).__name__}: {error}"[:2000])
