"""What is computed beside a page: once a state, without holding the page up, and an old question never breaks."""

from __future__ import annotations

import threading

import pytest

from app.background import KEPT, Computed


def test_the_page_is_not_held_up_and_the_work_is_done_once():
    computed, gate, done = Computed(), threading.Event(), []

    def work() -> str:
        gate.wait(5)
        done.append(1)
        return "figures"

    assert computed.ask(("a",), work, 0.01) is None
    gate.set()
    assert computed.ask(("a",), work, 5) == "figures"
    assert computed.ask(("a",), work) == "figures"
    assert done == [1]


def test_what_went_wrong_is_raised_where_it_is_asked_for():
    computed = Computed()

    def work() -> str:
        raise ValueError("no sightings")

    with pytest.raises(ValueError, match="no sightings"):
        computed.ask(("a",), work, 5)


def test_questions_nobody_asks_any_more_make_room_for_newer_ones():
    computed, gate = Computed(), threading.Event()
    computed.ask(("figures", "first"), lambda: gate.wait(5), 0.01)
    waiting = [computed.ask(("figures", number), lambda number=number: number, 0.0) for number in range(KEPT + 2)]
    assert waiting == [None] * (KEPT + 2)
    gate.set()
    assert computed.ask(("figures", KEPT + 1), lambda: KEPT + 1, 5) == KEPT + 1


def test_figures_of_one_kind_never_push_out_those_of_another():
    computed, done = Computed(), []
    computed.ask(("history", 1), lambda: done.append(1), 5)
    for number in range(KEPT + 2):
        computed.ask(("flags", number), lambda: None, 5)
    computed.ask(("history", 1), lambda: done.append(1), 5)
    assert done == [1]
