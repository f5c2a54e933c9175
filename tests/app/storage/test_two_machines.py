"""Two machines, each with a data folder and a worker, on one PostgreSQL and one bucket (moto's server, no real S3)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import files
from app.jobs.presence import count_alive
from app.settings import Settings
from app.storage.shared import KINDS, connect, is_here
from app.survey.calls.overview import snapshot
from app.survey.database import Survey, open_survey
from app.survey.tables.calls import Call
from app.survey.tables.media import ImportBatch, Media
from tests.support.commands import ROOT, environment, pugmark
from tests.support.forked import APP, start
from tests.support.postgres import PROGRAMS, cluster
from tests.support.s3 import SECRET, Bucket, bucket
from tests.support.scenes import sample_folder
from tests.support.waiting import wait_until

pytest.importorskip("moto", reason="moto[server] stands for S3")
pytest.importorskip("s3fs", reason="s3fs speaks to S3")
pytestmark = pytest.mark.skipif(not PROGRAMS, reason="PostgreSQL's own programs")
COPIES = 3  # of each scene, which differ in what stands behind the picture


class Machine:
    """A data folder and its worker. log: what the worker says."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.settings, self.log = folder, settings, folder.with_suffix(".log")
        folder.mkdir()
        self.start()

    def start(self) -> None:
        """Start the worker, anew where one ran."""
        with self.log.open("ab") as log:
            settings = environment(self.folder, **self.settings)
            self.worker = start(APP, ["worker"], settings, log.fileno(), log.fileno())

    def stop(self, *, by_force: bool = False) -> None:
        """End the worker as a service manager does, or at once."""
        self.worker.kill() if by_force else self.worker.terminate()
        self.worker.wait(60)

    def files(self) -> set[str]:
        """What of the media lies here."""
        return {
            path.relative_to(self.folder).as_posix()
            for kind in KINDS
            for path in (self.folder / kind).rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="module")
def storage() -> Iterator[Bucket]:
    with bucket() as made:
        yield made


@pytest.fixture(scope="module")
def machines(storage: Bucket) -> Iterator[tuple[Machine, Machine]]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pm-")))
        place.chmod(0o755)
        server = stack.enter_context(cluster(place / "pg"))
        settings = {
            **storage.environment,
            "PUGMARK_DATABASE_URL": server.url,
            "PUGMARK_MEDIA_URL": storage.url,
            "PUGMARK_BACKEND": "embedded",
        }
        survey = Survey(server.url, place)
        made = []
        for number, name in enumerate(("a", "b"), 1):
            made.append(Machine(place / name, settings))
            stack.callback(made[-1].stop, by_force=True)
            wait_until(lambda number=number: _alive(survey) == number, seconds=120)
        yield made[0], made[1]


def _alive(survey: Survey) -> int:
    try:
        return count_alive(survey)
    except sa.exc.SQLAlchemyError:
        return 0


def opened(machine: Machine) -> Survey:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in machine.settings.items():
            patch.setenv(name, value)
        return open_survey(Settings(PUGMARK_DATA_DIR=machine.folder, _env_file=None))


def card(folder: Path) -> int:
    """Fill a card; returns how many pictures are on it."""
    folder.mkdir()
    scenes = sorted(sample_folder().rglob("*.JPG"))
    for copy in range(COPIES):
        for number, scene in enumerate(scenes):
            (folder / f"IMG_{copy}{number:03d}.JPG").write_bytes(scene.read_bytes() + bytes(copy))
    return COPIES * len(scenes)


def test_what_one_takes_in_the_other_analyses_and_shows_though_the_storage_is_away_and_a_worker_stops_meanwhile(
    machines: tuple[Machine, Machine], storage: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    a, b = machines
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    survey = opened(b)
    pictures = card(tmp_path / "St01")
    pugmark(a.folder, "import", str(tmp_path / "St01"), **a.settings)
    wait_until(lambda: _count(survey, sa.true()) >= 4, seconds=120)
    storage.stop()
    try:
        wait_until(lambda: "waits for the media storage" in snapshot(survey).waits_for, seconds=60)
        assert "does not answer" in snapshot(survey).waits_for
        before = _count(survey, Media.stage == "failed")
        a.stop()
        a.start()
        time.sleep(3)
    finally:
        storage.start()
    wait_until(lambda: _states(survey) == ["done"], seconds=240)
    assert before == _count(survey, Media.stage == "failed") == 0
    assert _count(survey, Media.stage == "ready") == pictures
    wait_until(lambda: not snapshot(survey).waits_for, seconds=30)
    with survey.read() as session:
        workers = set(session.scalars(sa.select(Call.executor_id)))
        hashes = list(session.scalars(sa.select(Media.sha256)))
    assert len({worker.rsplit("-", 1)[0] for worker in workers}) >= 2
    wanted = {files.original_path(b.folder, sha256, ".jpg") for sha256 in hashes}
    wanted |= {b.folder / name for name in a.files()}
    assert {"crops", "thumbs"} <= {path.relative_to(b.folder).parts[0] for path in wanted}
    assert all(is_here(b.folder, path) for path in wanted)
    assert SECRET not in a.log.read_text() + b.log.read_text()
    connect(b.folder, None)


def test_a_process_whose_media_lie_elsewhere_is_refused(machines: tuple[Machine, Machine], tmp_path: Path):
    settings = {name: value for name, value in machines[0].settings.items() if name != "PUGMARK_MEDIA_URL"}
    done = subprocess.run(
        [sys.executable, "-m", "app", "worker"],
        cwd=ROOT,
        env=environment(tmp_path, **settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert f"Set PUGMARK_MEDIA_URL={machines[0].settings['PUGMARK_MEDIA_URL']}" in done.stderr


def test_doctor_and_status_say_whether_the_storage_answers(machines: tuple[Machine, Machine], storage: Bucket):
    a = machines[0]
    assert pugmark(a.folder, "status", **a.settings)["media_storage"]["state"] == "ready"
    storage.stop()
    try:
        found = pugmark(a.folder, "status", **a.settings)["media_storage"]
    finally:
        storage.start()
    assert found["state"] == "unreachable"
    assert storage.url in found["reason"]
    assert SECRET not in str(found)


def _count(survey: Survey, where: sa.ColumnElement[bool]) -> int:
    with survey.read() as session:
        return session.scalar(sa.select(sa.func.count(Media.id)).where(where)) or 0


def _states(survey: Survey) -> list[str]:
    with survey.read() as session:
        return list(session.scalars(sa.select(ImportBatch.state)))
