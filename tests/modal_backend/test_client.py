"""Deadlines of the Modal client on a slow line: they grow with what is under way, and a question may take longer."""

from __future__ import annotations

import asyncio

import pytest

from modal_backend.client import FIRST_QUESTION, LONGEST_QUESTION, ModalBackend
from modal_backend.errors import BackendUnavailable, JobFailed
from modal_backend.remote import wire
from modal_backend.remote.connection import Options
from modal_backend.remote.line import ANY_LINE, SLOWEST_LINE


class Line:
    """A connection that notes how many seconds it was given, and lets nothing through until told."""

    def __init__(self) -> None:
        self.given, self.open = [], asyncio.Event()

    async def reliably(self, _operation, _model, allowance, _on_retry=None):
        if not self.open.is_set():
            await asyncio.sleep(0.05)
        self.given.append(allowance.seconds)
        return "fc-1"


class Dead:
    async def reliably(self, _operation, _model, allowance, _on_retry=None):
        raise BackendUnavailable(f"{allowance.seconds}")


def test_what_is_sent_at_the_same_time_on_one_line_gets_the_time_for_all_of_it():
    backend, line = ModalBackend(Options(timeout=100)), Line()
    backend._connection = line
    megabytes = [bytes(3_000_000)]

    async def both():
        await asyncio.gather(*(backend.submit_async("pocket", [{"picture": megabytes[0]}]) for _ in range(2)))
        line.open.set()
        await backend.submit_async("pocket", [{}])

    asyncio.run(both())
    assert line.given[0] == line.given[1]
    assert line.given[1] == pytest.approx(100 + (6_000_000 - ANY_LINE) / SLOWEST_LINE, rel=0.01)
    assert line.given[2] == pytest.approx(100, rel=0.01)


def test_a_result_that_did_not_arrive_in_time_gets_twice_the_time_up_to_a_limit():
    backend = ModalBackend(Options(timeout=100))
    backend._connection = Dead()
    seconds = []
    for _ in range(6):
        with pytest.raises(BackendUnavailable) as error:
            asyncio.run(backend.collect_async("fc-1"))
        seconds.append(float(str(error.value)))
    assert seconds == [FIRST_QUESTION, 60, 120, LONGEST_QUESTION, LONGEST_QUESTION, LONGEST_QUESTION]


def test_an_answer_that_is_none_is_a_failed_call_and_not_one_that_still_runs():
    class Answered:
        async def reliably(self, operation, _model, _allowance, _on_retry=None):
            return await operation()

    class Call:
        def __init__(self) -> None:
            self.get = self

        async def aio(self, timeout):
            del timeout

    backend = ModalBackend(Options(timeout=100))
    backend._connection = Answered()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modal.FunctionCall.from_id", lambda _id: Call())
        with pytest.raises(JobFailed, match="cannot be read"):
            asyncio.run(backend.collect_async("fc-1"))


def test_the_size_of_a_call_is_that_of_its_pictures_and_texts():
    assert 1000 <= wire.size({"inputs": [bytes(600), "x" * 400, (1, 2.0)], "contract": 1}) < 1100
