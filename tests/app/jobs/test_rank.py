"""Who the matcher looks at: the crop on the screen first, none that is left, ahead only in idle time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa
from dbos import DBOSClient

from app.analysis.context import Context, open_context
from app.analysis.model_choice import Choice
from app.jobs import rank
from app.jobs.current import Current, current, set_current
from app.jobs.queue import Jobs
from app.matching.gallery import Gallery
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.detections import matches
from app.survey.detections.matches import Pair
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ImportState
from modal_backend.registry import MATCH_FEATURES
from tests.app.matching.test_look_alikes import by_way_of
from tests.app.matching.test_matched import crops, fused, keep, order  # noqa: F401 (crops is a fixture)
from tests.support.waiting import wait_until
from tests.support.workers import worker

SCOPE = Scope().key()


def unwrapped(job: Callable) -> Callable:
    """A workflow or a step without its queue."""
    return inspect.unwrap(job)


def wanted(*answers: bool) -> Callable:
    """A question that is answered so, one time after the other."""
    left = list(answers)

    async def is_wanted() -> bool:
        return left.pop(0)

    return is_wanted


def open_import(survey: Survey) -> None:
    with survey.write() as session:
        imports.start_import(session, kind="folder", root="/card", label="card")


@pytest.fixture
def asked(survey, crops, settings, monkeypatch):  # noqa: F811
    """A worker's part in this process, no import open; its matcher finds three features in every pair, one at a time.

    The pairs it was asked for, in order.
    """
    pairs: list[Pair] = []

    async def match(_context: Context, _query: int, some: Sequence[Pair], *_rest: object) -> None:
        assert len(some) == 1
        pairs.extend(some)
        keep(survey, dict.fromkeys(some, 3))

    monkeypatch.setattr(rank.matches, "match", match)
    monkeypatch.setattr("modal_backend.embedded.EmbeddedBackend.pairs_at_once", 1)
    with survey.write() as session:
        session.execute(sa.update(ImportBatch).values(state=ImportState.DONE))
    with open_context(survey, "test") as context:
        context.choose = lambda: Choice(later=(MATCH_FEATURES,))
        set_current(Current(context, Gallery(survey), settings))
        yield pairs


def match(query: int, is_wanted: Callable) -> bool:
    now = current()
    return asyncio.run(rank._match(query, Scope(), "job", now.interactive, is_wanted))


def test_a_crop_that_is_left_is_not_matched_on_and_what_was_found_is_kept(survey, crops, asked):  # noqa: F811
    query, *others = crops
    assert not match(query, wanted(True, False))
    assert len(asked) == 1
    with survey.read() as session:
        assert list(matches.scores_of(session, [(query, other) for other in others])) == asked
    row = fused(survey, query)
    assert not row.settled
    assert MATCH_FEATURES not in row.candidates[0]["models"]
    first = order(row)
    assert match(query, wanted(True, True))
    assert sorted(asked) == sorted((query, other) for other in others)
    assert fused(survey, query).settled
    assert sorted(order(fused(survey, query))) == sorted(first)


def test_a_crop_that_is_left_before_its_turn_costs_nothing(survey, crops, asked):  # noqa: F811
    assert not match(crops[0], wanted(False))
    assert asked == []


def test_who_waits_gets_the_last_order(survey, crops, asked):  # noqa: F811
    query, *others = crops
    assert asyncio.run(unwrapped(rank.match)(query, SCOPE, "job", "", False))
    assert sorted(asked) == sorted((query, other) for other in others)
    assert fused(survey, query).settled


def test_while_an_import_is_open_only_the_crop_on_the_screen_is_matched(survey, crops, asked, monkeypatch):  # noqa: F811
    open_import(survey)
    monkeypatch.setattr(rank, "match", unwrapped(rank.match))
    asyncio.run(unwrapped(rank.match_queries)(crops[:2], SCOPE))
    assert fused(survey, crops[0]).settled
    assert asked
    assert all(crops[0] in pair for pair in asked)


def test_a_crop_that_is_decided_is_not_matched_ahead_and_the_next_is(survey, crops, asked, monkeypatch):  # noqa: F811
    decided, *_, waiting = crops
    with survey.write() as session:
        identity.new_individual(session, "ana", decided)
    monkeypatch.setattr(rank, "match_ahead", unwrapped(rank.match_ahead))
    asyncio.run(unwrapped(rank.rank_ahead)([decided, waiting], SCOPE))
    assert asked
    assert all(waiting in pair for pair in asked)
    assert fused(survey, waiting).settled


def test_a_crop_with_its_last_order_is_not_looked_at_ahead_again(survey, crops, asked, monkeypatch):  # noqa: F811
    monkeypatch.setattr(rank, "match_ahead", unwrapped(rank.match_ahead))
    ahead = unwrapped(rank.rank_ahead)
    asyncio.run(ahead(crops[2:3], SCOPE))
    last = fused(survey, crops[2])
    assert last.settled
    asyncio.run(ahead(crops[2:3], SCOPE))
    assert fused(survey, crops[2]).created_at == last.created_at


@pytest.fixture
def look_alike(survey, crops) -> int:  # noqa: F811
    """The last of the crops, which looks like the first; the two between are named."""
    query, raja, rani, other = crops
    with survey.write() as session:
        identity.new_individual(session, "ana", rani, name="Rani")
    keep(survey, {(query, raja): 8, (query, rani): 8, (query, other): 60})
    return other


def test_a_crop_matched_before_its_look_alike_is_ranked_again_when_that_has_been_matched(
    survey,
    crops,  # noqa: F811
    asked,
    look_alike,
    monkeypatch,
):
    query, raja, rani, _ = crops
    monkeypatch.setattr(rank, "match_ahead", unwrapped(rank.match_ahead))
    ahead = unwrapped(rank.rank_ahead)
    asyncio.run(ahead([query], SCOPE))
    assert fused(survey, query).settled
    assert by_way_of(survey, query) == {}
    keep(survey, {(look_alike, raja): 2, (look_alike, rani): 90})
    asyncio.run(ahead([look_alike], SCOPE))
    assert by_way_of(survey, query) == {rani: [look_alike]}
    assert fused(survey, query).settled


def test_while_a_person_is_at_work_no_order_is_made_again(survey, crops, asked, look_alike, monkeypatch):  # noqa: F811
    query, raja, rani, _ = crops
    monkeypatch.setattr(rank, "match_ahead", unwrapped(rank.match_ahead))
    asyncio.run(unwrapped(rank.rank_ahead)([query], SCOPE))
    keep(survey, {(look_alike, raja): 2, (look_alike, rani): 90})
    matched = rank._match

    async def and_look(*given: object) -> bool:
        current().looked = time.monotonic()
        return await matched(*given[:-1], wanted(True, True, True))

    monkeypatch.setattr(rank, "_match", and_look)
    assert not asyncio.run(unwrapped(rank.match_ahead)(look_alike, SCOPE, "job"))
    assert fused(survey, look_alike).settled
    assert by_way_of(survey, query) == {}


def test_what_is_matched_ahead_ends_between_two_pairs_when_an_import_opens(survey, crops, asked, monkeypatch):  # noqa: F811
    found = rank.matches.match

    async def and_open(*given: object) -> None:
        await found(*given)
        open_import(survey)

    monkeypatch.setattr(rank.matches, "match", and_open)
    assert not asyncio.run(unwrapped(rank.match_ahead)(crops[0], SCOPE, "job"))
    assert len(asked) == 1


def test_a_query_whose_order_knows_every_decision_is_not_ranked_again(survey, crops, asked, monkeypatch):  # noqa: F811
    ranked: list[int] = []
    gallery = Gallery.rank

    def note(self: Gallery, detection_id: int, scope: Scope, **how: bool) -> list[Pair]:
        ranked.append(detection_id)
        return gallery(self, detection_id, scope, **how)

    monkeypatch.setattr(Gallery, "rank", note)
    query, raja, *_ = crops
    first = unwrapped(rank.rank)
    assert asyncio.run(first([query, raja], SCOPE)) == []
    assert asyncio.run(first([query, raja], SCOPE)) == []
    assert ranked == [query, raja]
    with survey.write() as session:
        identity.new_individual(session, "ana", query)
    assert asyncio.run(first([query], SCOPE)) == []
    assert ranked == [query, raja, query]


@pytest.mark.parametrize(("importing", "at_once", "hurried", "pause"), [
    (True, True, False, None), (True, False, False, rank.MOMENT), (False, False, False, None),
    (False, True, False, None), (False, False, True, rank.MOMENT),
])  # fmt: skip
def test_the_matcher_waits_a_moment_where_a_person_goes_on_beside_an_import_or_in_a_hurry(
    survey, crops, asked, monkeypatch, importing, at_once, hurried, pause  # noqa: F811
):  # fmt: skip
    put: list[dict] = []

    async def enqueue(options: dict, *_given: object) -> None:
        put.append(options)

    if importing:
        open_import(survey)
    for step in ("rank", "any_import"):
        monkeypatch.setattr(rank, step, unwrapped(getattr(rank, step)))
    monkeypatch.setattr(rank.DBOS, "enqueue_workflow_with_options_async", enqueue)
    asyncio.run(unwrapped(rank.rank_queries)([crops[0]], SCOPE, False, at_once, hurried))
    assert [options.get("delay_seconds") for options in put] == [pause]


def test_a_job_that_is_left_ends_without_a_look_at_its_crops(survey, crops, settings):  # noqa: F811
    jobs = Jobs(survey, settings)
    with worker(survey.data_dir):
        wait_until(jobs.ready)
    left = jobs.rank([crops[0]], Scope())
    jobs.leave(left)
    client = DBOSClient(system_database_url=settings.jobs_url)
    with worker(survey.data_dir):
        wait_until(lambda: client.list_workflows(name="match_queries", status="SUCCESS"))
    assert not fused(survey, crops[0]).settled
    client.destroy()
    jobs.close()


def test_crops_nobody_has_opened_are_ranked_without_standing_in_the_matchers_queue(survey, settings):
    jobs = Jobs(survey, settings)
    with worker(survey.data_dir):
        wait_until(jobs.ready)
        jobs.rank([7], Scope(), bulk=True)
        client = DBOSClient(system_database_url=settings.jobs_url)
        wait_until(lambda: client.list_workflows(name="rank_queries", status="SUCCESS"))
    assert not client.list_workflows(name="match_queries")
    client.destroy()
    jobs.close()


def test_what_the_matcher_does_ahead_ends_at_the_first_crop_that_meets_an_import(monkeypatch):
    asked: list[int] = []

    async def match_ahead(detection_id: int, _scope: str, _job: str) -> bool:
        asked.append(detection_id)
        return detection_id != 8

    monkeypatch.setattr(rank, "match_ahead", match_ahead)
    asyncio.run(inspect.unwrap(rank.rank_ahead)([7, 8, 9], Scope().key()))
    assert asked == [7, 8]
