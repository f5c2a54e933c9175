"""Files of the survey, written by the worker: whole or not at all, asked for once, stopped, and removed in time."""

from __future__ import annotations

import os
import time
import zipfile

import pytest
import sqlalchemy as sa

from app import files
from app.actions import exports as actions
from app.exchange import sightings_csv
from app.exchange.progress import counted
from app.jobs import exports as job
from app.storage import shared
from app.survey.decisions import catalogue
from app.survey.exports import written
from app.survey.tables.exports import ExportFile, ExportState
from tests.support.asked import Asked
from tests.support.catalogued import DAY, seen
from tests.support.surveys import add_media, found

DESIGN = {"days": "3", "flank": "any"}


class Queued(Asked):
    """Jobs that nobody does."""

    def __init__(self) -> None:
        super().__init__()
        self.exports: list[int] = []

    def write_export(self, export_id: int) -> None:
        self.exports.append(export_id)


@pytest.fixture
def tigers(survey):
    seen(survey, "A", "Ridge", 0)
    seen(survey, "A", "Valley", DAY)
    return survey


def asked(survey, kind, **settings) -> int:
    return actions.start(survey, Queued(), kind, settings, "ana")


def view(survey, export_id):
    with survey.read() as session:
        return written.view(session, survey.data_dir, export_id)


def left(survey) -> list[str]:
    return sorted(path.name for path in files.exports_folder(survey.data_dir).glob("*"))


def test_a_file_lies_in_the_data_folder_with_its_size_settings_and_readme(tigers):
    number = asked(tigers, "sightings", exact="yes")
    job.bring_to_end(tigers, number)
    file = view(tigers, number)
    assert (file.state, file.holds, file.settings) == (ExportState.DONE, "2 sightings", {"exact": "yes"})
    assert file.path == files.export_folder(tigers.data_dir, number) / "pugmark-sightings.csv"
    assert file.bytes == file.path.stat().st_size > 100
    readme = (file.path.parent / "pugmark-sightings.README.txt").read_text()
    assert "Settings: exact places yes." in readme
    assert "Left out: animals that nobody has named." in readme
    assert left(tigers) == [str(number)]


def test_the_same_file_is_asked_for_once_while_it_is_under_way(tigers):
    jobs = Queued()
    first = actions.start(tigers, jobs, "mark", DESIGN, "ana")
    assert actions.start(tigers, jobs, "mark", DESIGN, "ben") == first
    assert actions.start(tigers, jobs, "mark", DESIGN | {"days": "5"}, "ben") != first
    assert len(set(jobs.exports)) == 2


def test_a_refused_file_says_why_and_leaves_nothing(tigers):
    number = asked(tigers, "secr", start="2040-01-01")
    job.bring_to_end(tigers, number)
    assert view(tigers, number).state == ExportState.FAILED
    assert "No camera worked after 2040-01-01" in view(tigers, number).error
    assert left(tigers) == []


def test_a_full_disk_is_said(tigers, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    number = asked(tigers, "sightings")
    monkeypatch.setattr(sightings_csv, "write_csv", full)
    job.bring_to_end(tigers, number)
    assert "No space left on device" in view(tigers, number).error
    assert left(tigers) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("days", "0"),
        ("days", "99999999999999999999"),
        ("days", "1e9"),
        ("occasions", "10001"),
        ("occasions", "x"),
        ("individual", "9" * 30),
        ("start", "99999-01-01"),
        ("flank", "top"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_words_before_there_is_a_job(survey, name, value):
    jobs = Queued()
    with pytest.raises(ValueError, match=r"is not a .*\."):
        actions.start(survey, jobs, "secr", {name: value}, "ana")
    assert jobs.exports == []


def test_a_file_that_is_cancelled_while_it_is_written_stops_and_leaves_nothing(tigers, monkeypatch):
    monkeypatch.setattr(job, "WRITE_EVERY", 0.0)
    for _ in range(3):
        add_media(tigers, [found()])
    number, steps = asked(tigers, "images"), []

    def cancel_at_second(path):
        steps.append(path)
        if len(steps) == 2:
            actions.cancel(tigers, number)
        raise OSError

    monkeypatch.setattr(shared, "original", lambda _data_dir, sha256: cancel_at_second(sha256))
    job.bring_to_end(tigers, number)
    assert len(steps) == 2
    assert view(tigers, number).state == ExportState.CANCELLED
    assert left(tigers) == []
    job.bring_to_end(tigers, number)  # the queue may hand it out once more
    assert view(tigers, number).state == ExportState.CANCELLED
    with tigers.read() as session:
        assert written.recent(session, tigers.data_dir) == []


def test_what_a_worker_that_died_has_half_written_is_begun_anew(tigers):
    number = asked(tigers, "history")
    part = files.exports_folder(tigers.data_dir) / f"{number}.part"
    part.mkdir(parents=True)
    (part / "pugmark-history.zip").write_bytes(b"half")
    with tigers.write() as session:
        written.begin(session, number)
    with tigers.read() as session:
        assert [due.args for due in job.due(session)] == [(number,)]
    job.bring_to_end(tigers, number)
    assert zipfile.is_zipfile(view(tigers, number).path)
    assert left(tigers) == [str(number)]


def test_progress_is_the_share_of_time_and_never_ends_early(tigers, monkeypatch):
    monkeypatch.setattr(job, "WRITE_EVERY", 0.0)
    number, shares = asked(tigers, "everything"), []
    real = written.progress

    def noted(session, export_id, done, total):
        shares.append(done / max(total, 1))
        return real(session, export_id, done, total)

    monkeypatch.setattr(written, "progress", noted)
    job.bring_to_end(tigers, number)
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1


def test_the_time_left_follows_the_pace_of_the_last_minute_and_is_not_guessed_at_once(tigers, monkeypatch):
    number, clock = asked(tigers, "camtrap-dp"), [time.time()]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    with tigers.write() as session:
        written.begin(session, number)

    def eta_at(seconds: int, done: int) -> float | None:
        clock[0] += seconds
        with tigers.write() as session:
            assert written.progress(session, number, done, 10_000)
        return view(tigers, number).eta_seconds

    assert eta_at(1, 10) is None
    assert eta_at(9, 100) == pytest.approx(990, abs=1)
    for minute in range(10):  # slow at first: since the start it has been 1.6 a second, now it is 10
        eta_at(60, 100 + minute)
    for step in range(1, 13):
        eta = eta_at(10, 109 + step * 100)
    assert eta == pytest.approx((10_000 - 1309) / 10, rel=0.05)
    clock[0] += 30
    assert view(tigers, number).eta_seconds == pytest.approx(eta - 30, abs=1)


def test_rows_are_counted_on_their_way():
    heard = []
    assert len(list(counted(range(120), 240, lambda *at: heard.append(at)))) == 120
    assert heard == [(0, 240), (50, 240), (100, 240)]


def test_a_file_knows_whether_the_survey_has_changed_since(tigers):
    number = asked(tigers, "mark", **DESIGN)
    job.bring_to_end(tigers, number)
    with tigers.read() as session:
        assert view(tigers, number).mark == written.mark(session)
    with tigers.write() as session:
        catalogue.describe(session, "ana", 1, species="Panthera tigris")
    with tigers.read() as session:
        assert view(tigers, number).mark != written.mark(session)


def test_files_older_than_they_are_kept_are_removed_and_younger_ones_stay(tigers):
    old, young = asked(tigers, "mark", **DESIGN), asked(tigers, "history", **DESIGN)
    for number in (old, young):
        job.bring_to_end(tigers, number)
    with tigers.read() as session:
        assert job.outdated(session) == []
    with tigers.write() as session:
        session.execute(
            sa.update(ExportFile).where(ExportFile.id == old).values(finished_at=time.time() - 8 * 24 * 3600)
        )
    for name, days in (("half.part", 2), ("being-written.part", 0)):
        path = files.exports_folder(tigers.data_dir) / name
        path.write_bytes(b"x")
        os.utime(path, (time.time() - days * 24 * 3600,) * 2)
    with tigers.read() as session:
        assert [due.workflow_id for due in job.outdated(session)] == [f"sweep-exports-{old}"]
    job._sweep(tigers)
    assert left(tigers) == [str(young), "being-written.part"]
    assert view(tigers, old) is None
    actions.remove(tigers, young)
    assert left(tigers) == ["being-written.part"]
