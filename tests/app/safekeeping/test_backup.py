"""A backup made while the survey is written to gives the same survey back; a check mends what can be made again."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import threading
import zipfile
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import files
from app.exchange.incoming import bringing_in
from app.ingest.intake import take_in
from app.ingest.limits import Limits
from app.ingest.source import SourceFile, open_file
from app.ingest.store import MediaStore
from app.jobs.presence import Presence
from app.safekeeping.backup import write_backup
from app.safekeeping.check import check
from app.safekeeping.restore import RestoreRefused, restore
from app.safekeeping.rows import counts
from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions import identity, results
from app.survey.detections.boxes import boxes_of
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ImportState, ListedFile, Media, Stage
from app.survey.tables.results import ResultsFile
from tests.support.pictures import encoded, noisy
from tests.support.surveys import add_media, found


def ignore(_done: int, _total: int) -> None:
    """Nobody looks at the progress."""


def take(survey: Survey, folder: Path, seed: int) -> str:
    """Take a picture of a card into store and survey, as an import does; its hash."""
    path = folder / "Ridge" / f"{seed}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(noisy(120, 90, seed=seed)))
    taken = take_in(SourceFile(path.name, partial(open_file, path)), MediaStore(survey.data_dir), Limits())
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
        media = Media(
            sha256=taken.sha256, format="jpeg", bytes=taken.bytes, width=120, height=90, stage=Stage.READY,
            deployment_id=imports.deployment_for(session, batch, f"Ridge/{seed}.jpg"),
        )  # fmt: skip
        session.add(media)
        session.flush()
        session.add(ListedFile(import_id=batch.id, path=f"Ridge/{seed}.jpg", media_id=media.id, outcome="new"))
    return taken.sha256


def all_counts(survey: Survey) -> dict[str, int]:
    with survey.engine.connect() as connection:
        return counts(connection)


def hashes(survey: Survey) -> set[str]:
    with survey.read() as session:
        return set(session.scalars(sa.select(Media.sha256)))


def opened(folder: Path) -> Survey:
    return open_survey(Settings(PUGMARK_DATA_DIR=folder, _env_file=None))


def test_a_backup_during_an_import_is_restored_with_equal_rows_and_hashes(survey: Survey, tmp_path: Path) -> None:
    for seed in range(4):
        take(survey, tmp_path / "card", seed)
    going_on = threading.Event()

    def import_more() -> None:
        for seed in range(4, 40):
            take(survey, tmp_path / "card", seed)
            going_on.set()

    importing = threading.Thread(target=import_more)
    importing.start()
    going_on.wait()
    working = Presence(survey)
    backup = write_backup(survey, tmp_path / "all.zip", ignore)
    working.leave()
    importing.join()
    survey.close()
    shutil.rmtree(survey.data_dir)
    restored = restore(tmp_path / "all.zip", tmp_path / "again", None, ignore)
    assert restored.rows == backup.rows
    assert backup.rows["media"] >= 5
    again = opened(tmp_path / "again")
    with closing(again):
        assert all_counts(again) == backup.rows
        checked = check(again, ignore)
        assert (checked.media, checked.mended, checked.left, checked.unlisted) == (backup.rows["media"], [], [], {})
        assert {path.stem for path in (again.data_dir / "originals").glob("*/*")} == hashes(again)


def test_an_upload_that_waits_goes_on_in_the_new_folder(survey: Survey, tmp_path: Path) -> None:
    upload = files.upload_folder(survey.data_dir, "b1")
    upload.mkdir(parents=True)
    (upload / "a.jpg").write_bytes(encoded())
    with survey.write() as session:
        imports.start_import(session, kind="upload", root=str(upload), label="upload")
        imports.start_import(session, kind="folder", root="/card", label="card")
    write_backup(survey, tmp_path / "all.zip", ignore)
    restore(tmp_path / "all.zip", tmp_path / "again", None, ignore)
    again = opened(tmp_path / "again")
    with closing(again), again.read() as session:
        (batch, other) = session.scalars(sa.select(ImportBatch).order_by(ImportBatch.id))
    assert Path(batch.root) == files.upload_folder(tmp_path / "again", "b1")
    assert (Path(batch.root) / "a.jpg").read_bytes() == encoded()
    assert (batch.state, other.root) == (ImportState.QUEUED, "/card")


def test_a_check_makes_again_what_it_can_and_lists_the_rest(survey: Survey, tmp_path: Path) -> None:
    whole, thumbless, copied, lost = (take(survey, tmp_path / "card", seed) for seed in range(4))
    files.thumb_path(survey.data_dir, thumbless).write_bytes(b"\xff\xd8 half a thumbnail")
    files.original_path(survey.data_dir, copied, ".jpg").write_bytes(b"overwritten")
    files.original_path(survey.data_dir, lost, ".jpg").unlink()
    (tmp_path / "card/Ridge/3.jpg").write_bytes(encoded(noisy(50, 50, seed=99)))
    found = check(survey, ignore)
    assert found.media == 4
    assert [thumbless in line or copied in line for line in found.mended] == [True, True]
    (line,) = found.left
    assert lost in line
    assert "Ridge/3.jpg" in line
    again = check(survey, ignore)
    assert (again.mended, again.left) == ([], found.left)
    assert whole not in "".join(found.mended + found.left)


def test_missing_and_damaged_originals_are_named_in_the_backup(survey: Survey, tmp_path: Path) -> None:
    lost, damaged = (take(survey, tmp_path / "card", seed) for seed in range(2))
    files.original_path(survey.data_dir, lost, ".jpg").unlink()
    files.original_path(survey.data_dir, damaged, ".jpg").write_bytes(b"other")
    backup = write_backup(survey, tmp_path / "all.zip", ignore)
    assert (backup.missing, backup.damaged, backup.originals) == ([f"{lost}.jpg"], [f"{damaged}.jpg"], 1)
    assert restore(tmp_path / "all.zip", tmp_path / "again", None, ignore).damaged == [f"{damaged}.jpg"]


def test_nothing_is_written_over_and_nothing_outside_the_folder(survey: Survey, tmp_path: Path) -> None:
    take(survey, tmp_path / "card", 0)
    write_backup(survey, tmp_path / "all.zip", ignore)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    with pytest.raises(RestoreRefused, match="not empty"):
        restore(tmp_path / "all.zip", tmp_path / "full", None, ignore)
    with zipfile.ZipFile(tmp_path / "all.zip", "a") as archive:
        archive.writestr("originals/../../out.txt", "out")
    with pytest.raises(RestoreRefused, match="does not belong"):
        restore(tmp_path / "all.zip", tmp_path / "again", None, ignore)
    data = (tmp_path / "all.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(RestoreRefused, match="damaged"):
        restore(tmp_path / "half.zip", tmp_path / "again", None, ignore)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.jpg", "no backup")
    with pytest.raises(RestoreRefused, match="no backup"):
        restore(tmp_path / "other.zip", tmp_path / "again", None, ignore)
    there = {path.name for path in tmp_path.iterdir()}
    assert there == {"data", "card", "all.zip", "half.zip", "other.zip", "full"}


def test_decisions_and_their_undo_come_back(survey: Survey, tmp_path: Path) -> None:
    _, (first,) = add_media(survey, [found()])
    with survey.write() as session:
        identity.new_individual(session, "ana", first, name="T-01")
    write_backup(survey, tmp_path / "all.zip", ignore)
    restore(tmp_path / "all.zip", tmp_path / "again", None, ignore)
    with closing(sqlite3.connect(tmp_path / "again/survey.sqlite")) as rows:
        assert rows.execute("SELECT name FROM individual").fetchall() == [("T-01",)]
        assert rows.execute("SELECT who, undone_at FROM decision").fetchall() == [("ana", None)]


def test_results_of_another_tool_still_find_images_that_come_after_the_restoration(
    survey: Survey, tmp_path: Path
) -> None:
    box = {"category": "1", "conf": 0.8, "bbox": [0.1, 0.1, 0.2, 0.2]}
    images = [{"file": f"Ridge 1/IMG_000{number}.JPG", "detections": [box]} for number in (1, 2)]
    add_media(survey, [])
    with io.BytesIO(json.dumps({"images": images}).encode()) as sent:
        place = bringing_in.receive(survey, sent)
    results_id = bringing_in.register(survey, place, "boxes.json", "ana")
    bringing_in.read_in(survey, results_id)
    with survey.write() as session:
        results.bring_in(session, "ana", results_id)
    (waiting := files.results_folder(survey.data_dir) / "waiting.received").write_text(
        json.dumps({"images": images, "info": {}})
    )
    waiting_id = bringing_in.register(survey, waiting, "other.json", "ana")
    write_backup(survey, tmp_path / "all.zip", ignore)
    restore(tmp_path / "all.zip", tmp_path / "again", None, ignore)
    again = opened(tmp_path / "again")
    with closing(again):
        add_media(again, [])
        bringing_in.match_again(again, results_id)
        bringing_in.take_some(again, results_id, 0)
        bringing_in.read_in(again, waiting_id)
        with again.read() as session:
            assert [len(boxes) for boxes in boxes_of(session, [1, 2]).values()] == [1, 1]
            assert session.get_one(ResultsFile, waiting_id).matched == 2
