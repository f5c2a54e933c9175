"""Calls of models: none stays open in the ledger, and what a person can mend is waited for."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import sqlalchemy as sa

from app.analysis.calls import Lane, Request, ask
from app.analysis.context import Waiting, open_context
from app.survey.tables.calls import Call
from modal_backend.contracts import Box, Category, Detection, Failure, LocalFeatures, Provenance, Result
from modal_backend.embedded import EmbeddedBackend
from modal_backend.errors import BackendMisconfigured, CredentialsRefused, JobFailed

FIRST, SECOND = "keybert", "keyword-clusters"  # whose answers may be any values
NONE = float("nan")


class Scripted(EmbeddedBackend):
    """Answers every input with its own value; `refused` gives the errors of the next submits of a model."""

    def __init__(self, refused=(), values=lambda inputs: list(inputs)) -> None:
        super().__init__()
        self.refused, self.values, self.cancelled = dict(refused), values, []

    def call(self, model, inputs):
        return Result(self.values(inputs), Provenance("embedded", model, "test", "0" * 64, ""), 0.1)

    async def submit_async(self, model, inputs, on_retry=None, key=""):
        if self.refused.get(model):
            raise self.refused[model].pop(0)
        return await super().submit_async(model, inputs, on_retry, key)

    def cancel(self, call_id):
        self.cancelled.append(call_id)
        super().cancel(call_id)


def asked(survey, backend, *, models=(FIRST, SECOND)):
    """Asks the models about three inputs; the ledger's rows as (model, outcome, note or error)."""
    try:
        with open_context(survey, "test", backend, waiting=Waiting(first_pause=0.01)) as context:
            return asyncio.run(ask(context, "job", models, lambda: Request(None, "", [1, 2, 3]), Lane()))
    finally:
        with survey.read() as session:
            backend.rows = {row.model: row for row in session.scalars(sa.select(Call))}


def test_a_call_whose_sibling_cannot_be_sent_is_cancelled_and_closed(survey):
    backend = Scripted({SECOND: [BackendMisconfigured("No such model there.")]})
    with pytest.raises(BackendMisconfigured):
        asked(survey, backend)
    assert {row.outcome for row in backend.rows.values()} == {"failed"}
    assert len(backend.cancelled) == 1


def test_a_refused_token_is_waited_for_and_the_calls_are_made_when_it_is_mended(survey):
    backend = Scripted({FIRST: [CredentialsRefused("Modal does not accept the credentials.")] * 3})
    _, answers = asked(survey, backend)
    assert [answer.result.values for answer in answers] == [[1, 2, 3], [1, 2, 3]]
    assert {row.outcome for row in backend.rows.values()} == {"done"}
    assert backend.rows[FIRST].attempts == 4


@pytest.mark.parametrize("count", [0, 2, 4])
def test_an_answer_of_another_length_fails_its_call_with_both_numbers(survey, count):
    backend = Scripted(values=lambda _inputs: list(range(count)))
    with pytest.raises(JobFailed, match=f"answered {count} values for 3 inputs"):
        asked(survey, backend, models=[FIRST])
    assert backend.rows[FIRST].outcome == "failed"


def test_a_call_that_ends_in_an_unforeseen_error_is_closed(survey):
    def breaks(_inputs):
        raise ZeroDivisionError("by a model")

    backend = Scripted(values=breaks)
    with pytest.raises(ZeroDivisionError):
        asked(survey, backend, models=[FIRST])
    assert (backend.rows[FIRST].outcome, backend.rows[FIRST].error) == ("failed", "ZeroDivisionError: by a model")


def box(*numbers: float, confidence: float = 0.9) -> list[Detection]:
    return [Detection(Category.ANIMAL, confidence, Box(*numbers))]


@pytest.mark.parametrize(
    ("model", "good", "bad"),
    [
        ("pocket-detector", box(0.1, 0.1, 0.5, 0.5), box(0.1, 0.1, 0.5, 0.5, confidence=NONE)),
        ("pocket-detector", [], box(0.1, NONE, 0.5, 0.5)),
        ("pocket-detector", box(-0.01, 0.0, 1.02, 1.0), box(-3.0, 5.0, 0.1, 9.0)),
        ("pocket-detector", box(0.1, 0.1, 0.5, 0.5), {"boxes": []}),
        ("pocket-embedding", np.zeros(1280, np.float32), np.full(1280, NONE, np.float32)),
        ("pocket-embedding", np.zeros(1280, np.float32), np.zeros(10, np.float32)),
        (
            "rapid",
            LocalFeatures(np.zeros((2, 4), np.float32), np.zeros((2, 128), np.uint8), 9, 9),
            LocalFeatures(np.zeros((1, 4), np.float32), np.zeros((2, 128), np.uint8), 9, 9),
        ),
    ],
    ids=["confidence", "place", "outside", "kind", "no numbers", "length", "points"],
)
def test_a_value_that_cannot_be_right_fails_alone(survey, model, good, bad):
    _, (answer,) = asked(survey, Scripted(values=lambda _inputs: [good, bad, good]), models=[model])
    first, second, third = answer.result.values
    assert first is third is good
    assert isinstance(second, Failure)
    assert f"{model} answered" in second.reason
