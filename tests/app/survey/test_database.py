"""A survey is read while another program holds it, or from a disk that cannot be written; refusals are sentences."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from itertools import count

import pytest
import sqlalchemy as sa

from app import __main__ as command_line
from app import files, operating_system
from app.jobs.worker import run_worker
from app.survey import database
from app.survey.database import Survey, open_survey, prepare_queue, trouble
from app.survey.tables.individuals import Individual
from app.survey.tables.media import Media


def test_a_survey_that_another_program_is_writing_opens_and_reads_at_once(settings, survey):
    holder = sqlite3.connect(files.database_path(settings.data_dir), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    again = open_survey(settings)
    with again.read() as session:
        assert session.scalar(sa.select(sa.func.count(Media.id))) == 0
    again.close()
    holder.close()


def test_a_command_on_a_survey_that_another_program_holds_says_what_it_waits_for_and_ends_in_a_sentence(
    settings, survey, monkeypatch, caplog, capsys
):
    survey.close()
    holder = held(files.database_path(settings.data_dir), monkeypatch)
    monkeypatch.setattr(command_line, "load_settings", lambda: settings)
    assert command_line.main(["status"]) == 1
    (waiting,) = [record.getMessage() for record in caplog.records]
    assert waiting.startswith("Another program holds survey.sqlite of the survey. Waiting up to")
    assert capsys.readouterr().err.startswith("Another program holds the survey's database.")
    holder.close()


def test_a_worker_whose_queue_another_program_holds_waits_for_it_and_ends_in_a_sentence(
    settings, survey, monkeypatch, caplog
):
    holder = held(files.jobs_database_path(settings.data_dir), monkeypatch)
    with pytest.raises(sa.exc.OperationalError) as refused:
        run_worker(survey, settings, threading.Event(), lambda: True)
    assert "Another program holds jobs.sqlite of the survey." in caplog.text
    assert trouble(refused.value).startswith("Another program holds")
    holder.close()


def test_the_queue_is_read_while_a_worker_writes_to_it(settings, survey):
    prepare_queue(settings.jobs_url)
    writer, reader = (sqlite3.connect(files.jobs_database_path(settings.data_dir), isolation_level=None) for _ in "ab")
    writer.execute("CREATE TABLE jobs (number)")
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    writer.execute("INSERT INTO jobs VALUES (1)")  # without a log it would wait for the reader
    assert reader.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    writer.close()
    reader.close()


def held(path, monkeypatch):
    """A connection that lets nobody read or write this database; Pugmark waits for it a moment only."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(database, "LOCKED_PIECE", 0.1)
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.2)
    return holder


def test_a_command_goes_on_when_the_other_program_lets_the_database_go(settings, survey, monkeypatch):
    survey.close()
    holder = sqlite3.connect(files.database_path(settings.data_dir), isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(database, "LOCKED_PIECE", 0.05)
    threading.Timer(0.3, holder.close).start()
    again = open_survey(settings)
    with again.write() as session:
        session.add(Individual(name="Machli"))
    again.close()


def test_the_time_in_which_a_machine_stands_still_is_no_waiting_for_the_other_program(settings, survey, monkeypatch):
    survey.close()
    holder = sqlite3.connect(files.database_path(settings.data_dir), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(database, "LOCKED_PIECE", 0.05)
    clock = count(step=2 * database.LOCKED_SECONDS)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(operating_system, "users_of", lambda _path: [holder.close() or "the other program"])
    again = open_survey(settings)
    with again.write() as session:
        session.add(Individual(name="Machli"))
    again.close()


def test_a_survey_in_a_folder_that_cannot_be_written_is_read_and_writing_says_why(settings, survey, monkeypatch):
    survey.close()
    monkeypatch.setattr(os, "access", lambda _path, mode, **_: mode != os.W_OK)
    survey = open_survey(settings)
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(Media.id))) == 0
    with pytest.raises(sa.exc.OperationalError) as refused, survey.write() as session:
        session.execute(sa.delete(Media))
    assert trouble(refused.value).startswith("The survey cannot be written: its folder is read-only.")
    survey.close()


def test_a_survey_on_a_full_disk_is_read_without_a_byte_more(settings, survey, monkeypatch):
    with survey.write() as session:
        session.add(Individual(name="Machli"))
    survey.close()
    monkeypatch.setattr(database.shutil, "disk_usage", lambda _path: (1, 1, 0))
    again = open_survey(settings, reading=True)
    with again.read() as session:
        assert session.scalar(sa.select(Individual.name)) == "Machli"
        assert not list(settings.data_dir.glob("*-shm"))
    again.close()


@pytest.mark.parametrize("left", ["-wal", "-shm"])
def test_what_a_killed_program_left_in_the_log_is_read_from_a_disk_that_cannot_be_written(
    settings, survey, monkeypatch, tmp_path, left
):
    with survey.write() as session:
        session.add(Individual(name="Machli"))
    copy = tmp_path / "read-only"
    copy.mkdir()
    database = files.database_path(settings.data_dir)
    for end in ["", "-wal"] + ["-shm"] * (left == "-shm"):
        shutil.copy(f"{database}{end}", copy)
    monkeypatch.setattr(os, "access", lambda _path, mode, **_: mode != os.W_OK)
    again = Survey(f"sqlite:///{copy / database.name}", copy)
    with again.read() as session:
        assert session.scalar(sa.select(Individual.name)) == "Machli"
    again.close()


@pytest.mark.parametrize(
    ("cause", "says"),
    [("database or disk is full", "disk is full"), ("database is locked", "Another program"), ("odd\nSELECT 1", "odd")],
)
def test_a_command_that_the_database_refuses_ends_in_a_sentence_without_sql(monkeypatch, capsys, cause, says):
    def refuse():
        raise sa.exc.OperationalError("SELECT secret FROM media", {}, sqlite3.OperationalError(cause))

    monkeypatch.setattr(command_line, "load_settings", refuse)
    assert command_line.main(["status"]) == 1
    shown = capsys.readouterr().err
    assert says in shown
    assert "SELECT" not in shown


def test_a_file_that_is_no_database_is_named_as_damaged(tmp_path):
    (tmp_path / "survey.sqlite").write_bytes(b"not a database at all, sixteen bytes and more" * 100)
    survey = Survey(f"sqlite:///{tmp_path / 'survey.sqlite'}", tmp_path)
    with pytest.raises(sa.exc.DatabaseError) as refused, survey.read() as session:
        session.execute(sa.text("SELECT 1"))
    assert "damaged" in trouble(refused.value)
    survey.close()
