"""Operations: what waits, in its order, one job moved to the front and back; how much is kept by content."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs.queue import Jobs
from app.settings import load_settings
from app.survey.database import Survey
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ImportState, ListedFile, Outcome
from tests.support.pages import page, survey_of_pages
from tests.support.surveys import add_media, describe, found
from tests.support.waiting import wait_until
from tests.support.workers import worker


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Survey]:
    """The survey of a dashboard whose worker has ended."""
    with survey_of_pages(tmp_path / "data", monkeypatch) as opened:
        yield opened


@pytest.fixture
def jobs(survey: Survey) -> Iterator[Jobs]:
    made = Jobs(survey, load_settings())
    with worker(survey.data_dir):
        wait_until(made.ready)
    yield made
    made.close()


def lines(test) -> list[str]:
    assert not test.exception
    return [element.value for element in test.markdown if "has waited" in element.value]


def test_a_waiting_import_is_moved_to_the_front_and_back_and_says_when_it_begins(survey, jobs):
    for number in range(1, 4):
        with survey.write() as session:
            imports.start_import(session, kind="folder", root=f"/cards/{number}", label=f"Card *{number}*")
        jobs.run_import(number)
    with survey.write() as session:
        running = ImportBatch(kind="folder", root="/cards/0", label="Card 0", state=ImportState.RUNNING, listed=61)
        running.started_at = time.time() - 10
        session.add(running)
        session.flush()
        session.add(ListedFile(import_id=running.id, path="1.jpg", outcome=Outcome.REFUSED))
    test = page("operations")
    first, second, third = lines(test)
    assert "Card \\*1\\*" in first
    assert "begins next · has waited" in first
    assert "begins in at most about" in first
    assert "2 before it" in third
    assert "begins in" not in second + third, "only one import is under way: when the others begin is not known"
    assert not [element for element in test.button if element.key == "front-import-1-1"]
    test.button(key="front-import-3-1").click().run()
    moved, *rest = lines(test)
    assert "Card \\*3\\*" in moved
    assert "begins next, moved to the front · has waited" in moved
    assert "begins in at most about" in moved
    assert ["Card \\*1\\*" in rest[0], "Card \\*2\\*" in rest[1]] == [True, True]
    test.button(key="back-import-3-1").click().run()
    assert lines(test)[0].startswith("Import · Card \\*1\\*")
    history = page("history")
    assert "Import · Card *3*" in str([element.value.to_dict() for element in history.dataframe])


def test_a_job_far_behind_is_moved_too(survey, jobs):
    for number in range(1, 8):
        with survey.write() as session:
            imports.start_import(session, kind="folder", root=f"/cards/{number}", label=f"Card {number}")
        jobs.run_import(number)
    test = page("operations")
    (later,) = [element for element in test.expander if element.label == "Those that begin later"]
    assert [element.key for element in later.button] == ["front-import-6-1", "front-import-7-1"]
    test.button(key="front-import-7-1").click().run()
    assert lines(test)[0].startswith("Import · Card 7 · begins next, moved to the front")


def test_without_jobs_that_wait_there_is_no_list(survey):
    assert not [element for element in page("operations").subheader if element.value == "Waiting"]


def test_how_much_is_kept_by_content_is_shown_and_how_often_it_was_of_use_only_when_that_is_known(survey):
    assert not [element for element in page("operations").caption if "kept by content" in element.value]
    (crop,) = add_media(survey, [found()])[1]
    describe(survey, crop, 1)
    with survey.write() as session:
        session.add(ListedFile(import_id=1, path="again.jpg", outcome=Outcome.DUPLICATE))
    (text,) = [element.value for element in page("operations").caption if "kept by content" in element.value]
    assert "2 rows" in text
    assert "about 0.0 MB. Of 2 files that came in since" in text
    assert "1 (50.0%) had been here before" in text
