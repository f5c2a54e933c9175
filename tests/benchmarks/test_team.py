"""Two dashboards and three workers on one PostgreSQL and one media folder, while things go wrong.

A worker is killed every ten seconds, all connections of the database are cut once and it is restarted once, two
reviewers decide at once, and two imports bring half of the files both. PUGMARK_TEAM_MEDIA=2000 for more of them;
PUGMARK_TEAM_KILL_SECONDS=60 where a worker takes longer than that to start; PUGMARK_TEAM_MINUTES=60 to end after an
hour with whatever is done by then, and with the checks that hold at any moment.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from websockets.exceptions import WebSocketException

from app.actions.review import apply_review
from app.jobs.queue import Jobs
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.media import imports
from app.survey.tables.calls import Call
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Analysis
from app.survey.tables.media import ImportBatch, ListedFile, Media
from tests.support.commands import ROOT, environment
from tests.support.dashboards import dashboard, reachable
from tests.support.pictures import encoded, noisy
from tests.support.postgres import PROGRAMS, Cluster, cluster
from tests.support.sessions import session as browser_session
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.benchmark, pytest.mark.skipif(not PROGRAMS, reason="PostgreSQL's own programs")]
MEDIA = int(os.environ.get("PUGMARK_TEAM_MEDIA", "200"))
WORKERS, DASHBOARDS = 3, 2
KILL_SECONDS = float(os.environ.get("PUGMARK_TEAM_KILL_SECONDS", "10"))
MINUTES = float(os.environ.get("PUGMARK_TEAM_MINUTES", "0")) or (300 + 10 * MEDIA) / 60
PAUSE_SECONDS = 3.0  # of somebody who looks at pages
PRINT_SECONDS = 30.0
PAGES = ("", "detections", "history", "operations", "upload", "individuals")


class Fleet:
    """The workers; one that was killed is followed by a new one, as a service manager does it."""

    def __init__(self, data_dir: Path, url: str, log: Path) -> None:
        self._environment = environment(data_dir, PUGMARK_DATABASE_URL=url)
        self._log = log
        self.killed = 0
        self.ended_by_themselves: list[int] = []
        self.processes = [self._start() for _ in range(WORKERS)]

    def kill_worker(self, chance: random.Random) -> None:
        """Kill a worker at random and start another; count those that ended without being asked."""
        for number, process in enumerate(self.processes):
            if process.poll() is not None:
                self.ended_by_themselves.append(process.returncode)
                self.processes[number] = self._start()
        number = chance.randrange(len(self.processes))
        self.processes[number].send_signal(signal.SIGKILL)
        self.processes[number].wait()
        self.processes[number] = self._start()
        self.killed += 1

    def stop(self) -> None:
        """End all of them."""
        for process in self.processes:
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "app", "worker"]
            return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)


class Reviewer(threading.Thread):
    """Decides about media as they come, and sends again what got no answer, as a browser does."""

    def __init__(self, name: str, settings: Settings, over: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._survey = Survey(settings.survey_url, settings.data_dir)
        self._jobs, self._over = Jobs(self._survey, settings), over
        self.settled: list[str] = []
        self.unanswered = 0

    def run(self) -> None:
        """Until it is over."""
        chance = random.Random(self.name)
        while not self._over.wait(1.0):
            try:
                with self._survey.read() as session:
                    ready = list(session.scalars(sa.select(Media.id).where(Media.stage == "ready")))
            except sa.exc.OperationalError:
                continue
            if ready:
                self._decide(chance.choice(ready), chance.choice(("blank", "unsure")))

    def _decide(self, media_id: int, kind: str) -> None:
        action = {"n": 1, "uuid": uuid.uuid4().hex, "kind": kind, "media_id": media_id}
        while True:
            try:
                if not apply_review(self._survey, self._jobs, self.name, [action], 0).problems:
                    self.settled.append(action["uuid"])
                return
            except sa.exc.OperationalError:
                self.unanswered += 1
                time.sleep(0.5)


class Visitor(threading.Thread):
    """Looks at one page after the other of a dashboard."""

    def __init__(self, address: str, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self._address, self._over = address, over
        self.errors: list[str] = []
        self.seconds: list[tuple[str, float]] = []

    def run(self) -> None:
        """Until it is over; a tab whose connection breaks off is an error, and another one is opened."""
        while not self._over.is_set():
            try:
                asyncio.run(self._look())
            except (OSError, WebSocketException) as error:
                self.errors.append(f"tab: {error!r}")
                self._over.wait(PAUSE_SECONDS)

    async def _look(self) -> None:
        async with browser_session(self._address) as tab:
            tab.errors, tab.seconds = self.errors, self.seconds
            while not self._over.is_set():
                for page in PAGES:
                    await tab.run(page)
                    await asyncio.sleep(PAUSE_SECONDS)


def cards(folder: Path) -> list[Path]:
    """Two folders that hold half of their files both."""
    first, second = folder / "first" / "Ridge", folder / "second" / "Ridge"
    for card in (first, second):
        card.mkdir(parents=True)
    for number in range(MEDIA):
        content = encoded(noisy(160, 120, seed=number))
        for card in (first,) * (number < MEDIA * 3 // 4) + (second,) * (number >= MEDIA // 4):
            (card / f"{number:05d}.jpg").write_bytes(content)
    return [first.parent, second.parent]


def cut_all(url: str) -> None:
    """End every connection of the database but this."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def finished(survey: Survey) -> int:
    """How many media are ready; 0 while the database is away."""
    try:
        with survey.read() as session:
            return session.scalar(sa.select(sa.func.count()).where(Media.stage == "ready")) or 0
    except sa.exc.OperationalError:
        return 0


def ended(survey: Survey) -> bool:
    """Whether no import is under way; not while the database is away."""
    try:
        with survey.read() as session:
            return not imports.any_open(session)
    except sa.exc.OperationalError:
        return False


def trouble_in(survey: Survey, server: Cluster, fleet: Fleet, seen: Callable[[], str]) -> bool:
    """Let things go wrong until the imports have ended, or the time is over; whether they have ended.

    Prints every half minute how far they are.
    """
    chance, cut, restarted, begun = random.Random(19), False, False, time.monotonic()
    last = printed = begun

    def over() -> bool:
        nonlocal cut, restarted, last, printed
        time.sleep(0.5)
        spent = (time.monotonic() - begun) / 60 / MINUTES
        done = max(finished(survey) / MEDIA, spent)
        if time.monotonic() - printed > PRINT_SECONDS:
            printed = time.monotonic()
            far = f"{time.strftime('%X')} {finished(survey)} of {MEDIA}, {fleet.killed} killed, {cut=} {restarted=}"
            print(f"{far}, {seen()}", file=sys.__stdout__, flush=True)
        if not cut and done > 1 / 3:
            cut = True
            cut_all(server.url)
        if not restarted and done > 2 / 3:
            restarted = True
            server.control("restart", "-m", "fast")
        if time.monotonic() - last > KILL_SECONDS:
            fleet.kill_worker(chance)
            last = time.monotonic()
        return spent >= 1 or ended(survey)

    wait_until(over, seconds=60 * MINUTES + 600)
    assert (cut, restarted) == (True, True)
    return ended(survey)


def test_a_team_on_one_survey_loses_nothing_while_workers_and_database_fail(tmp_path, measured):
    short = Path(tempfile.mkdtemp(prefix="pm"))  # the path of a socket may have 100 characters
    short.chmod(0o755)
    log, over = tmp_path / "log", threading.Event()
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(cluster(short / "pg"))
        settings = Settings(PUGMARK_DATA_DIR=data_dir, PUGMARK_DATABASE_URL=server.url, _env_file=None)
        survey = open_survey(settings)
        fleet = Fleet(data_dir, server.url, log)
        stack.callback(fleet.stop)
        dashboards = [
            stack.enter_context(dashboard(data_dir, log, PUGMARK_DATABASE_URL=server.url)) for _ in range(DASHBOARDS)
        ]
        wait_until(lambda: all(reachable(shown.address) for shown in dashboards))
        jobs = Jobs(survey, settings)
        wait_until(jobs.ready)
        start = time.monotonic()
        for card in cards(tmp_path / "cards"):
            with survey.write() as session:
                import_id = imports.import_of_path(session, card).id
            jobs.run_import(import_id)
        reviewers = [Reviewer(name, settings, over) for name in ("ana", "ben")]
        visitors = [Visitor(shown.address, over) for shown in dashboards]
        for thread in (*reviewers, *visitors):
            thread.start()
        is_whole = trouble_in(survey, server, fleet, partial(so_far, reviewers, visitors))
        took = time.monotonic() - start
        over.set()
        for thread in (*reviewers, *visitors):
            thread.join(60)
        fleet.stop()
        report(survey, fleet, reviewers, visitors, took, measured, is_whole)
    shutil.rmtree(short)


def so_far(reviewers: list[Reviewer], visitors: list[Visitor]) -> str:
    """What the reviewers and visitors met until now."""
    alive = sum(thread.is_alive() for thread in (*reviewers, *visitors))
    errors = Counter(error for visitor in visitors for error in visitor.errors)
    runs, settled = (
        sum(len(visitor.seconds) for visitor in visitors),
        sum(len(reviewer.settled) for reviewer in reviewers),
    )
    return f"{settled} decisions, {runs} runs of pages, {alive} people there, errors {dict(errors)}"


def report(survey, fleet, reviewers, visitors, took, measured, is_whole) -> None:
    """The figures, and what must hold."""
    with survey.read() as session:
        ready = session.scalar(sa.select(sa.func.count()).where(Media.stage == "ready"))
        states = [(row.state, row.error) for row in session.scalars(sa.select(ImportBatch))]
        listed = session.scalar(sa.select(sa.func.count(ListedFile.id)))
        kept = set(session.scalars(sa.select(Decision.client_key)))
        detect = sa.select(sa.func.sum(Call.items)).where(Call.task == "detect", Call.outcome == "done")
        paid, analyses = session.scalar(detect), session.scalar(sa.select(sa.func.count(Analysis.id)))
        analysed = session.scalar(sa.select(sa.func.count(sa.distinct(Analysis.media_id))))
    settled = {key for reviewer in reviewers for key in reviewer.settled}
    errors = [error for visitor in visitors for error in visitor.errors]
    runs = sorted(second for visitor in visitors for _, second in visitor.seconds)
    measured(f"{MEDIA} media, {fleet.killed} workers killed", took, "s")
    measured("media that are ready, each once", ready, at_least=MEDIA, at_most=MEDIA)
    measured("analyses kept", analyses, at_least=ready, at_most=analysed)
    measured("pictures that the detector answered", paid, at_least=ready)
    measured("decisions sent", len(settled))
    measured("of them kept", len(settled & kept), at_least=len(settled))
    measured("decisions sent again without an answer", sum(reviewer.unanswered for reviewer in reviewers))
    measured("runs of pages", len(runs))
    measured("95th percentile of a page's run", runs[int(len(runs) * 0.95)] if runs else 0, "s")
    measured("errors on pages", len(errors), at_most=0)
    measured("workers that ended by themselves", len(fleet.ended_by_themselves), at_most=0)
    print(states, set(errors), fleet.ended_by_themselves)
    assert analyses == analysed >= ready
    assert not is_whole or {state for state, _ in states} == {"done"}, states
    assert not is_whole or (ready, analyses, listed) == (MEDIA, MEDIA, 2 * (MEDIA * 3 // 4))
    assert settled <= kept
    assert settled
    assert (errors, fleet.ended_by_themselves) == ([], [])
