"""A file of any length holds the survey for a few rows at a time, so that others go on deciding meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import sqlalchemy as sa

from app.exchange.incoming import bringing_in, keeping, scratch, taking_over
from app.exchange.incoming.entries import Entry
from app.exchange.incoming.lines import Contents, Line
from app.survey.database import Survey
from app.survey.decisions import catalogue, history, parts, undoing
from app.survey.decisions.refusals import BadDecision
from app.survey.results import stored
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import Media
from app.survey.tables.results import ResultsFile
from tests.support.surveys import add_media, found

IMAGES = 40
MOST_ROWS = 60  # of one transaction; taking the file over at once changes more than 100


@pytest.fixture
def survey(survey, monkeypatch):
    for module, name, value in (
        (taking_over, "MOST_IN_ONE", 3),
        (scratch, "AT_ONCE", 5),
        (undoing, "ROWS_AT_ONCE", 8),
        (stored, "AT_ONCE", 10),
    ):
        monkeypatch.setattr(module, name, value)
    for _ in range(IMAGES):
        add_media(survey, [])
    return survey


def path(number: int) -> str:
    return f"Ridge 1/IMG_{number:04d}.JPG"


def package_contents() -> Contents:
    """Boxes of a model on the first half of the images, an individual on each of the others."""
    half = IMAGES // 2
    return Contents(
        [Line(path(number), f"T{number % 5}", "Panthera tigris") for number in range(half + 1, IMAGES + 1)],
        [Entry(path(number), (found(0.8),)) for number in range(1, half + 1)],
        model="another",
    )


def decide(survey: Survey) -> int:
    with taking_over.prepared(survey, package_contents()) as ready, survey.write() as session:
        made = taking_over.take(session, "ben", ready, "file.zip")
    return int(made.view["results_id"])


def work(survey: Survey, results_id: int) -> ResultsFile:
    """What the job does, without the models."""
    with survey.read() as session:
        after: int | None = 0 if session.get_one(ResultsFile, results_id).state == "counting" else None
    while after is not None:
        after = bringing_in.count_some(survey, results_id, after)
    turned: int | None = 1
    while turned:
        turned = parts.turn_some(survey, results_id)
    if turned is None:
        return work(survey, results_id)  # the next attempt
    for some in (bringing_in.take_some, keeping.take_lines):
        after = 0
        while after is not None:
            after = some(survey, results_id, after)
    bringing_in.finish(survey, results_id)
    with survey.read() as session:
        return session.get_one(ResultsFile, results_id)


def undo(survey: Survey) -> None:
    with survey.write() as session:
        undoing.undo_last(session, "ben", ["identities file"])


def redo(survey: Survey) -> None:
    with survey.write() as session:
        undoing.redo_last(session, "ben", ["identities file"], None)


def standing(survey: Survey) -> tuple[int, int]:
    """How many crops are named, and how many images have boxes of the model that count."""
    with survey.read() as session:
        named = session.scalar(sa.select(sa.func.count()).select_from(Sighting))
        counting = session.scalar(sa.select(sa.func.count(Media.id)).where(Media.animal_score == 0.8))
    return named or 0, counting or 0


@contextmanager
def watched(survey: Survey) -> Iterator[list[int]]:
    """The rows that each transaction changed, growing. Between any two, another connection writes."""
    rows: list[int] = []

    def changed(_connection, cursor, statement, *_more):
        if statement == "BEGIN IMMEDIATE":
            rows.append(0)
        elif statement.startswith(("INSERT", "UPDATE", "DELETE")):
            rows[-1] += max(cursor.rowcount, 0)

    begin = survey._writes.begin

    @contextmanager
    def transaction():
        with begin() as session:
            yield session
        with closing(sqlite3.connect(survey.data_dir / "survey.sqlite", timeout=0)) as other:
            other.execute("begin immediate")

    survey._writes.begin = transaction
    sa.event.listen(survey.engine, "after_cursor_execute", changed)
    try:
        yield rows
    finally:
        survey._writes.begin = begin
        sa.event.remove(survey.engine, "after_cursor_execute", changed)


def test_no_transaction_of_a_large_file_changes_more_than_a_few_rows_and_others_write_between(survey):
    everything, nothing = (IMAGES // 2, IMAGES // 2), (0, 0)
    with watched(survey) as rows:
        results_id = decide(survey)
        for turn, expected in ((None, everything), (undo, nothing), (redo, everything), (undo, nothing)):
            if turn is not None:
                turn(survey)
            row = work(survey, results_id)
            assert (standing(survey), row.error) == (expected, None)
    assert max(rows) <= MOST_ROWS
    assert sum(rows) > 4 * 100


def test_images_are_found_before_anything_is_written(survey, monkeypatch):
    match = taking_over.match

    def slow(session, contents):
        with closing(sqlite3.connect(survey.data_dir / "survey.sqlite", timeout=0)) as other:
            other.execute("begin immediate")
        return match(session, contents)

    monkeypatch.setattr(taking_over, "match", slow)
    results_id = decide(survey)
    assert work(survey, results_id).taken == IMAGES
    assert not list((survey.data_dir / "results").glob("*.aside")), "what was kept aside is taken or gone"


def test_a_redo_in_the_middle_of_an_undo_brings_all_back_and_an_undo_in_the_middle_of_a_redo_takes_all_back(survey):
    results_id = decide(survey)
    work(survey, results_id)
    undo(survey)
    parts.turn_some(survey, results_id)
    assert 0 < standing(survey)[0] < IMAGES // 2
    redo(survey)
    assert work(survey, results_id).taken == IMAGES
    assert standing(survey) == (IMAGES // 2, IMAGES // 2)
    undo(survey)
    work(survey, results_id)
    redo(survey)
    assert 0 < standing(survey)[0] < IMAGES // 2
    undo(survey)
    work(survey, results_id)
    assert standing(survey) == (0, 0)
    redo(survey)
    work(survey, results_id)
    assert standing(survey) == (IMAGES // 2, IMAGES // 2)
    with survey.read() as session:
        undone = sa.select(sa.func.count(Decision.id)).where(
            Decision.undone_at.is_(None), Decision.part_of.is_not(None)
        )
        assert session.scalar(undone) == IMAGES // 2 / scratch.AT_ONCE, "each part stands once"
        assert len(history.entries(session, history.HistoryFilter(kind="identities file"))) == 4


def test_an_undo_that_meets_something_newer_on_its_way_puts_all_back_and_says_why(survey):
    results_id = decide(survey)
    work(survey, results_id)
    with survey.write() as session:
        owner = session.scalars(sa.select(Individual.id).where(Individual.name == "T1")).one()
        catalogue.rename(session, "ana", owner, "Machli")
    undo(survey)
    row = work(survey, results_id)
    assert row.state == "failed"
    assert "could not be taken back" in str(row.error)
    assert standing(survey) == (IMAGES // 2, IMAGES // 2)
    with survey.write() as session:
        undoing.undo_last(session, "ana", ["rename"])
    undo(survey)
    assert work(survey, results_id).error is None
    assert standing(survey) == (0, 0)


def test_a_job_that_something_newer_was_decided_under_leaves_the_file_to_the_next(survey):
    results_id = decide(survey)
    with survey.read() as session:
        attempt = session.get_one(ResultsFile, results_id).attempt
    undo(survey)
    bringing_in.finish(survey, results_id, None, attempt)
    with survey.read() as session:
        assert session.get_one(ResultsFile, results_id).state == "taking"


def test_the_same_large_file_again_while_a_job_takes_it_is_answered_with_how_far_it_is(survey, tmp_path):
    results_id = decide(survey)
    keeping.take_lines(survey, results_id, 0)
    with pytest.raises(BadDecision, match=f"is being taken over already: 5 of {IMAGES} lines. Upload shows"):
        decide(survey)
    work(survey, results_id)
    with pytest.raises(BadDecision, match="is in the survey already"):
        decide(survey)
    place = tmp_path / "results.json"
    place.write_text('{"images": []}', encoding="utf-8")
    results_id = bringing_in.register(survey, place, place.name, "ben")
    assert bringing_in.register(survey, place, "again.json", "ana") == results_id
    with survey.read() as session:
        row = session.get_one(ResultsFile, results_id)
    assert (row.name, row.attempt, row.state) == ("results.json", 1, "reading")
