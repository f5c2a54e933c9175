"""The survey on a PostgreSQL server: migrations, decisions, undo, merge, joins, rankings and exports as on SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.actions.decide import decide
from app.exchange.formats import FORMATS
from app.exchange.incoming import bringing_in
from app.exchange.wishes import Wish
from app.matching.stability import stability
from app.safekeeping.backup import write_backup
from app.safekeeping.restore import RestoreRefused, restore
from app.settings import Settings
from app.survey.capture import history
from app.survey.database import Survey, is_away, open_survey
from app.survey.decisions import boxes, catalogue, flank_joins, identity
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import CATALOGUE, IDENTITY, TAKING_OUT
from app.survey.decisions.results import bring_in
from app.survey.decisions.trials import let_stand
from app.survey.decisions.undoing import undo_last
from app.survey.detections import results
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.individuals.flank_proposals import flank_report
from app.survey.individuals.rankings import Scope
from app.survey.media import browse
from app.survey.tables.base import Base
from app.survey.tables.individuals import Individual, PairVerdict, Sighting
from app.survey.tables.media import Media
from app.survey.trials import figures, trials
from modal_backend.contracts import Provenance
from modal_backend.registry import LOCAL
from tests.support.asked import Asked
from tests.support.catalogued import DAY, number, place, seen
from tests.support.surveys import add_media, describe, found

SERVER = os.environ.get("PUGMARK_TEST_POSTGRES", "")
pytestmark = pytest.mark.skipif(not SERVER, reason="a PostgreSQL server: PUGMARK_TEST_POSTGRES names no address")


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[Survey]:
    """An empty survey in a database of its own; SERVER: as postgresql://user@host:port, allowed to create databases."""
    name = f"pugmark_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    settings = Settings(
        PUGMARK_DATA_DIR=tmp_path, PUGMARK_DATABASE_URL=f"{SERVER}/{name}", PUGMARK_REVIEWER="ana", _env_file=None
    )
    opened = open_survey(settings)
    assert opened.engine.dialect.name == "postgresql"
    yield opened
    opened.close()
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def rows(survey: Survey) -> dict[str, list[str]]:
    """Everything but the log of decisions."""
    tables = [table for name, table in Base.metadata.tables.items() if name != "decision"]
    with survey.read() as session:
        return {table.name: sorted(repr(tuple(row)) for row in session.execute(sa.select(table))) for table in tables}


def test_what_a_session_reads_is_of_one_moment_while_others_write(survey: Survey):
    add_media(survey, minutes=None)
    everything = sa.select(sa.func.count(Media.id))
    with survey.read() as session:
        before = session.scalar(everything)
        add_media(survey, minutes=None)
        assert session.scalar(everything) == before == 1
    with survey.read() as session, survey.write() as writing:
        assert session.scalar(everything) == writing.scalar(everything) == 2
        assert writing.scalar(sa.text("SHOW transaction_isolation")) == "read committed"


def test_the_migrations_make_the_tables_of_the_program(survey: Survey):
    with survey.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        changes = [
            change for change in compare_metadata(context, Base.metadata) if change[0] in ("add_table", "add_column")
        ]
    assert changes == []


def test_decisions_merge_split_and_join_are_undone_at_any_depth(survey: Survey):
    a = seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Ridge", DAY)
    b = seen(survey, "B", "Ridge", 0.5, flank="right")
    _, (loose,) = add_media(survey, [found()], folder="Ridge", minutes=3 * DAY)
    kinds = (*IDENTITY.words, *CATALOGUE.words, *TAKING_OUT.words)
    with survey.read() as session:
        assert [proposal.times for proposal in flank_report(session).proposals] == [1]
    acts = (
        lambda session: identity.say_same(session, "ana", loose, a),
        lambda session: catalogue.describe(session, "ana", 1, species="Panthera tigris", notes="ñ 虎"),
        lambda session: catalogue.split(session, "ana", 1, [loose]),
        lambda session: catalogue.merge(session, "ana", 1, 3),
        lambda session: flank_joins.join(session, "ana", 1, 2, "one event shows both"),
        lambda session: catalogue.rename(session, "ana", 1, "Machli"),
    )
    states = [rows(survey)]
    for act in acts:
        with survey.write() as session:
            act(session)
        states.append(rows(survey))
    with survey.read() as session:
        assert session.get_one(Sighting, b).individual_id == 1
        assert [flank_join.name for flank_join in flank_joins.joins(session, 1)] == ["B"]
    while len(states) > 1:
        assert rows(survey) == states.pop()
        with survey.write() as session:
            assert undo_last(session, "ana", kinds) is not None
    assert rows(survey) == states[0]


def test_two_reviewers_who_contradict_each_other_at_once_leave_one_verdict(survey: Survey):
    ids = [add_media(survey, [found()], minutes=60.0 * event)[1][0] for event in range(2)]
    gate, met = threading.Barrier(2), []

    def decide(who: str, same: bool) -> None:
        gate.wait()
        try:
            with survey.write() as session:
                if same:
                    identity.say_same(session, who, *ids)
                else:
                    identity.say_pair(session, who, *ids, "different")
        except Contradiction as against:
            met.append(against)

    threads = [threading.Thread(target=decide, args=answer) for answer in (("ana", True), ("ben", False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(met) == 1
    with survey.read() as session:
        verdicts = list(session.scalars(sa.select(PairVerdict.verdict)))
        named = session.scalar(sa.select(sa.func.count(Individual.id)))
    assert (verdicts, named) in ((["same"], 1), (["different"], 0))


def test_ten_new_individuals_at_once_get_ten_names(survey: Survey):
    ids = [add_media(survey, [found()], minutes=60.0 * event)[1][0] for event in range(10)]

    def name(crop: int) -> None:
        with survey.write() as session:
            identity.new_individual(session, "ana", crop)

    threads = [threading.Thread(target=name, args=(crop,)) for crop in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with survey.read() as session:
        assert sorted(session.scalars(sa.select(Individual.name))) == [f"T-{number:03d}" for number in range(1, 11)]


def test_rankings_are_stored_and_counted(survey: Survey):
    ids = [add_media(survey, [found()], minutes=60.0 * event)[1][0] for event in range(3)]
    for crop in ids:
        describe(survey, crop, crop)
    with survey.write() as session:
        version = results.model_version(session, "fuse", Provenance("embedded", "fused", "1", "", "test"))
        listed = [{"crop_id": ids[1], "identity": None, "probability": 0.5}]
        for _ in range(2):
            rankings.store_ranking(
                session, ids[0], version.id, Scope(), stamp=rankings.stamp(session), gallery_size=3, in_scope=2,
                known_probability=None, candidates=listed,
            )  # fmt: skip
    with survey.read() as session:
        assert rankings.ranking(session, ids[0], "fused", Scope()).candidates == listed
        now = stability(session)
        assert rankings.allowed(session, ids[0], Scope(days=1, station=True))[0] == set(ids)
    assert (now.pairs, now.compared, now.not_compared) == (1, 1, 2)


@pytest.mark.parametrize(
    "kind", ["secr", "camtrapr", "mark", "history", "sightings", "megadetector", "coco", "operation", "stations"]
)
def test_every_export_is_written(survey: Survey, tmp_path: Path, kind: str):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "B", "Valley", DAY, flank="right")
    place(survey, "Ridge", 10.0, 77.0)
    place(survey, "Valley", 10.1, 77.0)
    out = tmp_path / f"out.{FORMATS[kind].suffix}"
    wish = Wish(history.Design(1))
    assert FORMATS[kind].write(survey, wish, out)
    assert out.stat().st_size > 100
    if kind == "coco":
        assert len(json.loads(out.read_text())["annotations"]) == 2
    assert number(survey, "B") == 2


def test_a_tried_model_looks_at_its_share_stands_and_is_taken_back(survey: Survey):
    for _ in range(3):
        add_media(survey, [found()])
    tried = Provenance("embedded", "pocket-detector-closer", "test", "1" * 64, "test")
    with survey.write() as session:
        trial = trials.start(session, "ana", tried.model, 50, all_images=True)
        assert trials.waiting(session, trial, 10) == [1, 2, 3]
        version = results.model_version(session, "detect", tried, 0.5)
        for media_id in (1, 2):
            trials.keep(session, trial.id, media_id, version, None, [])
        boxes.judge_media(session, "ana", 1, "blank")
        assert trials.waiting_count(session, trial) == 1
        assert figures.agreement(session, trial.id).only_old == 2
        assert figures.people(session, trial.id) == (1, 1)
        assert figures.paces(session, trial.id)[0] is not None
        before = session.scalars(sa.select(Media.analysis_id).order_by(Media.id)).all()
    with survey.write() as session:
        let_stand(session, "ana", 1)
        assert trials.chosen(session) == tried.model
        after = session.scalars(sa.select(Media.analysis_id).order_by(Media.id)).all()
        assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    with survey.write() as session:
        assert undo_last(session, "ana", ["let it stand"])
        assert session.scalars(sa.select(Media.analysis_id).order_by(Media.id)).all() == before
        assert not trials.remove_some(session, 1)
        assert figures.agreement(session, 1).images == 0
        assert browse.detector(session).model == "pocket-detector"


def test_a_backup_brings_a_survey_to_sqlite_and_from_there_to_another_server(survey: Survey, tmp_path: Path):
    for name in "AB":
        seen(survey, name, "Ridge", 0)
    with survey.write() as session:
        catalogue.merge(session, "ana", 2, 1)  # a row that refers to a later one
    before = rows(survey)
    write_backup(survey, tmp_path / "all.zip", lambda _done, _total: None)
    restore(tmp_path / "all.zip", tmp_path / "local", None, lambda _done, _total: None)
    local = open_survey(Settings(PUGMARK_DATA_DIR=tmp_path / "local", _env_file=None))
    assert rows(local) == before
    local.close()
    with pytest.raises(RestoreRefused, match="holds a survey already"):
        restore(tmp_path / "all.zip", tmp_path / "server", survey.url, lambda _done, _total: None)
    with survey.write() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(sa.delete(table))
    restore(tmp_path / "all.zip", tmp_path / "server", survey.url, lambda _done, _total: None)
    assert rows(survey) == before
    seen(survey, "C", "Ridge", DAY)  # numbers go on after the last one
    assert not (tmp_path / "server/survey.sqlite").exists()


def test_results_of_another_detector_come_in_and_one_undo_takes_them_back(survey: Survey, tmp_path: Path):
    media_id, (mine,) = add_media(survey, [found(0.9)])
    describe(survey, mine, 1)
    box = {"category": "1", "conf": 0.5, "bbox": [0.1, 0.1, 0.2, 0.2]}
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"images": [{"file": "Ridge 1/IMG_0001.JPG", "detections": [box]}]}), encoding="utf-8")
    results_id = bringing_in.register(survey, file, file.name, "ana")
    bringing_in.read_in(survey, results_id)
    scores, waiting = [], []
    for turn in ("in", "out", "in"):
        with survey.write() as session:
            if turn == "out":
                undo_last(session, "ana", ["bring in results"])
            else:
                bring_in(session, "ana", results_id)
        bringing_in.take_some(survey, results_id, 0)
        with survey.read() as session:
            scores.append(session.get_one(Media, media_id).animal_score)
            waiting.append(rankings.waiting_count(session, feature_version(session, LOCAL)))
    assert scores == [0.5, 0.9, 0.5]
    assert waiting == [0, 1, 0], "what was replaced waits for nobody in Identify"


def test_a_decision_is_made_again_when_the_database_went_away_in_its_middle(survey: Survey):
    media_id, _ = add_media(survey, [found()])
    cut = []

    def act(session, who):
        if not cut:
            cut.append(who)
            session.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return boxes.judge_media(session, who, media_id, "blank")

    outcome = decide(survey, Asked(), "ana", act)
    assert [decision.kind for decision in outcome.decisions] == ["blank"]
    assert (cut, is_away(sa.exc.OperationalError("", {}, sqlite3.OperationalError("is locked")))) == (["ana"], False)


def test_a_server_that_is_being_restarted_is_waited_for(survey: Survey, monkeypatch):
    refusals, connect = ["connection refused", "the database system is starting up"], survey.engine.dialect.connect

    def slow_to_start(*arguments, **options):
        if refusals:
            raise psycopg.OperationalError(refusals.pop())
        return connect(*arguments, **options)

    survey.engine.dispose()
    monkeypatch.setattr(survey.engine.dialect, "connect", slow_to_start)
    assert rows(survey)["media"] == []
    assert refusals == []
