"""A request about notes is one call on Modal, whatever happens to its answer."""

from __future__ import annotations

import numpy as np
import pytest

from modal_backend.contracts import Provenance, Result
from modal_backend.errors import BackendUnavailable, JobFailed, ResultLost
from modal_backend.notes import on_modal
from modal_backend.registry import KEYWORDS

REQUEST = {"texts": ["wire snare"], "vectors": np.ones(2, np.float32).tobytes()}
ANSWER = Result([{"keywords": 1}], Provenance("modal", KEYWORDS, "1", "", ""), 1.0)


class Scripted:
    """A backend that answers questions about a call as it was scripted."""

    def __init__(self, *script):
        self.script, self.sent, self.asked = list(script), 0, []

    def submit(self, _model, _inputs):
        self.sent += 1
        return f"fc-{self.sent}"

    def collect(self, call_id, _wait):
        self.asked.append(call_id)
        step = self.script.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(on_modal, "growing", lambda _first: lambda _state: 0.0)


def test_while_the_answer_cannot_be_collected_nothing_is_sent_again():
    backend = Scripted(BackendUnavailable("away"), None, BackendUnavailable("away"), ANSWER)
    assert on_modal.ask_backend(backend, KEYWORDS, REQUEST) == {"keywords": 1}
    assert backend.sent == 1


def test_after_a_crash_the_same_request_collects_the_call_that_was_sent(tmp_path):
    killed = Scripted(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        on_modal.ask_backend(killed, KEYWORDS, REQUEST, tmp_path / "calls")
    again = Scripted(ANSWER, ANSWER)
    on_modal.ask_backend(again, KEYWORDS, REQUEST, tmp_path / "calls")
    assert (again.sent, again.asked) == (0, ["fc-1"])
    on_modal.ask_backend(again, KEYWORDS, REQUEST | {"texts": ["others"]}, tmp_path / "calls")
    assert again.sent == 1


def test_an_answer_that_is_lost_is_asked_for_once_more_and_no_third_time():
    backend = Scripted(ResultLost("expired"), ResultLost("expired"))
    with pytest.raises(ResultLost):
        on_modal.ask_backend(backend, KEYWORDS, REQUEST)
    assert backend.sent == 2


def test_a_call_that_failed_is_forgotten(tmp_path):
    with pytest.raises(JobFailed):
        on_modal.ask_backend(Scripted(JobFailed("of no use")), KEYWORDS, REQUEST, tmp_path / "calls")
    again = Scripted(ANSWER)
    on_modal.ask_backend(again, KEYWORDS, REQUEST, tmp_path / "calls")
    assert again.sent == 1
