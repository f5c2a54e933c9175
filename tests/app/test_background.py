"""What is computed beside a page: once a state, without holding the page up, and an old question never breaks."""

from __future__ import annotations

import os
import threading

import pytest

from app.background import KEPT, Budget, Computed, TookTooMuch, apart
from app.ingest import intake
from app.ingest.limits import Limits
from app.ingest.refusals import Refused
from app.ingest.store import MediaStore
from tests.support import costly


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


def test_a_reader_runs_in_a_child_that_is_kept_for_the_next_file_and_what_it_raises_comes_through():
    word, process = apart(costly.name_process, "lynx")
    assert (word, process != os.getpid()) == ("lynx", True)
    with pytest.raises(Refused, match="broken"):
        apart(costly.refuse)
    assert apart(costly.name_process, "again") == ("again", process)


@pytest.mark.parametrize(
    ("read", "args", "reason"),
    [
        (costly.fill_memory, (3_000_000_000,), "more than 0.1 GB of memory|not enough|MemoryError"),
        (costly.never_end, (), "more than 1 s of computing|gave no answer"),
        (costly.die, (), "died"),
    ],
)
def test_a_reader_that_goes_over_its_budget_or_dies_ends_alone(read, args, reason):
    with pytest.raises(TookTooMuch, match=reason):
        apart(read, *args, budget=Budget(seconds=1.0, bytes=100_000_000))
    assert apart(costly.name_process, "next")[0] == "next"


def test_a_video_that_gives_no_answer_is_refused_with_the_reason(tmp_path, monkeypatch):
    def too_much(*_args, **_named):
        raise TookTooMuch("it takes more than 20 s of computing")

    monkeypatch.setattr(intake, "apart", too_much)
    (tmp_path / "a.avi").write_bytes(b"RIFF\0\0\0\0AVI LIST" + bytes(64))
    (found,) = intake.source_files(tmp_path / "a.avi", limits=Limits())
    with pytest.raises(Refused, match="20 s of computing"):
        intake.take_in(found, MediaStore(tmp_path / "data"), Limits())
