"""What a page asks the worker for: orders for what is looked at now, and no more for what was looked at before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from app.survey.individuals.rankings import Scope
from app.ui.identify import requests
from app.ui.identify.requests import ask_for_orders


@dataclass
class Look:
    """As much of a ranked query as is asked about."""

    number: int
    settled: bool = False
    stamp: str = "7-1-0.000-"
    query: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.query = {"id": self.number}


@dataclass
class Orders:
    """Notes down what the queue is asked for."""

    asked: list[tuple[list[int], bool]] = field(default_factory=list)
    hurried: list[bool] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def ready(self) -> bool:
        return True

    def rank(self, ids: list[int], _scope: Scope, *, at_once: bool, hurried: bool) -> str:
        self.asked.append((ids, at_once))
        self.hurried.append(hurried)
        return f"job {len(self.asked)}"

    def leave(self, job: str) -> None:
        self.left.append(job)


@pytest.fixture(autouse=True)
def visit(monkeypatch):
    """A visit of the page."""
    monkeypatch.setattr(requests.st, "session_state", {})


def test_who_goes_on_leaves_the_crop_before_and_only_the_first_has_the_matcher_at_once():
    jobs = Orders()
    ask_for_orders(jobs, [Look(1), Look(2)], Scope())
    assert (jobs.asked, jobs.left) == ([([1, 2], True)], [])
    ask_for_orders(jobs, [Look(2), Look(3)], Scope())
    assert (jobs.asked[1:], jobs.left) == ([([2, 3], False)], ["job 1"])


def test_the_matcher_pauses_for_who_turns_from_crop_to_crop_and_not_for_who_looks(monkeypatch):
    jobs, clock = Orders(), [100.0]
    monkeypatch.setattr(requests.time, "monotonic", lambda: clock[0])
    for number, seconds in ((1, 0.0), (2, 0.3), (3, 0.3), (4, 3.0)):
        clock[0] += seconds
        ask_for_orders(jobs, [Look(number)], Scope())
    assert jobs.hurried == [False, True, True, False]


def test_who_stays_is_not_asked_for_again_when_an_order_has_come():
    jobs = Orders()
    ask_for_orders(jobs, [Look(1), Look(2)], Scope())
    ask_for_orders(jobs, [Look(1, settled=True), Look(2)], Scope())
    assert (len(jobs.asked), jobs.left) == (1, [])


def test_a_decision_or_another_scope_asks_anew():
    jobs = Orders()
    ask_for_orders(jobs, [Look(1)], Scope())
    ask_for_orders(jobs, [Look(1, stamp="8-1-0.000-")], Scope())
    assert len(jobs.asked) == 1
    ask_for_orders(jobs, [Look(1, stamp="8-2-0.000-")], Scope())
    ask_for_orders(jobs, [Look(1, stamp="8-2-0.000-")], Scope(flank=False))
    assert (len(jobs.asked), jobs.left) == (3, ["job 1", "job 2"])


def test_who_goes_on_to_crops_with_their_last_order_leaves_the_one_before_once():
    jobs = Orders()
    ask_for_orders(jobs, [Look(1)], Scope())
    for number in (2, 3):
        ask_for_orders(jobs, [Look(number, settled=True)], Scope())
    assert (len(jobs.asked), jobs.left) == (1, ["job 1"])


def test_a_crop_that_was_left_is_asked_for_when_a_person_comes_back():
    jobs = Orders()
    for number in (1, 2, 1):
        ask_for_orders(jobs, [Look(number)], Scope())
    assert [ids for ids, _ in jobs.asked] == [[1], [2], [1]]
