"""The main job without a browser: import, resume after kill -9, export, status."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.operating_system import end_by_force, family
from tests.support.commands import ROOT, environment, pugmark, pugmark_here
from tests.support.forked import APP, start
from tests.support.malformed import make_malformed
from tests.support.pictures import encoded, noisy
from tests.support.raw_zip import raw_zip
from tests.support.scenes import sample_folder

MEGADETECTOR_PYTHON = os.environ.get("PUGMARK_MEGADETECTOR_PYTHON")
VALIDATE = """
import json, sys
from megadetector.postprocessing.validate_batch_results import ValidateBatchResultsOptions, validate_batch_results
options = ValidateBatchResultsOptions()
options.raise_errors = True
found = validate_batch_results(sys.argv[1], options)["validation_results"]
print(json.dumps({"errors": found["errors"], "warnings": found["warnings"]}))
"""


def rows(data_dir: Path, query: str) -> list[tuple]:
    with sqlite3.connect(data_dir / "survey.sqlite") as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data directory into which the sample scenes, two copies of one and a text file were imported."""
    base = tmp_path_factory.mktemp("import")
    folder = base / "card"
    shutil.copytree(sample_folder(), folder)
    first = sorted(folder.rglob("*.JPG"))[0]
    shutil.copy(first, folder / "copy.jpeg")
    (folder / "notes.txt").write_text("ranger notes")
    answer = pugmark(base / "data", "import", str(folder), "--wait", expect=3)
    assert answer["refused"] == 1
    return base / "data", folder


def test_every_listed_file_is_new_a_duplicate_or_refused(imported):
    data_dir, folder = imported
    pictures = len(list(folder.rglob("*.JPG")))
    status = pugmark_here(data_dir, "status")
    assert status["media"] == status["stages"]["ready"] == pictures
    (batch,) = status["imports"]
    assert (batch["new"], batch["duplicate"], batch["refused"]) == (pictures, 1, 1)
    assert batch["state"] == "done"


def test_importing_the_same_folder_again_changes_nothing(imported):
    data_dir, folder = imported
    before = rows(data_dir, "select id, sha256 from media order by id")
    detections = rows(data_dir, "select count(*) from detection")
    pugmark(data_dir, "import", str(folder), "--wait", expect=3)
    assert rows(data_dir, "select id, sha256 from media order by id") == before
    assert rows(data_dir, "select count(*) from detection") == detections
    assert len(rows(data_dir, "select id from import_batch")) == 1


def test_every_animal_over_the_threshold_is_described_by_both_models(imported):
    data_dir, _ = imported
    missing = rows(
        data_dir,
        """select d.id from detection d join analysis a on a.id = d.analysis_id join model_version v
           on v.id = a.model_version_id where d.category = 'animal' and d.confidence >= v.threshold
           and (select count(*) from feature f where f.detection_id = d.id) < 2""",
    )
    assert missing == []
    assert rows(data_dir, "select count(*) from feature")[0][0] > 10


def test_every_result_says_where_it_comes_from(imported):
    data_dir, _ = imported
    versions = rows(data_dir, "select backend, model, weights_sha256, preprocessing from model_version order by model")
    assert [(backend, model) for backend, model, _, _ in versions] == [
        ("embedded", "pocket-detector"),
        ("embedded", "pocket-embedding"),
        ("embedded", "rapid-448"),
    ]
    assert all(len(sha256) == 64 for _, model, sha256, _ in versions if model != "rapid-448")
    assert all(preprocessing for *_, preprocessing in versions)


def test_the_ledger_has_a_closed_row_for_every_call(imported):
    data_dir, _ = imported
    assert rows(data_dir, "select count(*) from call where outcome is not 'done' or finished_at < started_at") == [(0,)]
    pictures = rows(data_dir, "select count(*) from media")[0][0]
    assert rows(data_dir, "select sum(items) from call where task = 'detect'")[0][0] == pictures


def test_bursts_become_events_of_their_deployment(imported):
    data_dir, folder = imported
    names = {name for (name,) in rows(data_dir, "select name from deployment")}
    assert {path.name for path in folder.iterdir() if path.is_dir()} <= names
    longest = rows(
        data_dir, "select max(n) from (select count(*) n from media where event_id is not null group by event_id)"
    )
    assert longest[0][0] >= 2


def test_the_export_has_one_row_a_path_also_for_duplicates_and_refusals(imported, tmp_path):
    data_dir, folder = imported
    out = tmp_path / "out.json"
    pugmark_here(data_dir, "export", "megadetector", str(out))
    document = json.loads(out.read_text())
    files = {row["file"]: row for row in document["images"]}
    on_disk = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert set(files) == on_disk
    assert files["notes.txt"]["detections"] is None
    assert files["notes.txt"]["failure"]
    twins = [row["detections"] for row in document["images"] if row["file"].startswith("copy")]
    assert twins[0] in [row["detections"] for row in document["images"] if not row["file"].startswith("copy")]
    assert 0 < document["info"]["detector_metadata"]["typical_detection_threshold"] < 1
    for row in document["images"]:
        confidences = [detection["conf"] for detection in row["detections"] or []]
        assert all(0.005 <= value <= 1 for value in confidences)
        assert confidences == sorted(confidences, reverse=True)


@pytest.mark.skipif(not MEGADETECTOR_PYTHON, reason="PUGMARK_MEGADETECTOR_PYTHON names no Python with megadetector")
def test_the_export_passes_the_megadetector_packages_own_validator(imported, tmp_path):
    data_dir, _ = imported
    out = tmp_path / "out.json"
    pugmark_here(data_dir, "export", "megadetector", str(out))
    ran = subprocess.run(
        [str(MEGADETECTOR_PYTHON), "-c", VALIDATE, str(out)], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout.strip().splitlines()[-1]) == {"errors": [], "warnings": []}


def test_killed_half_way_and_started_again_every_image_is_there_once(tmp_path):
    folder, data_dir = sample_folder(), tmp_path / "data"
    total = len(list(folder.rglob("*.JPG")))
    with (tmp_path / "log").open("ab") as log:
        command = ["import", str(folder), "--wait"]
        process = start(APP, command, environment(data_dir), log.fileno(), log.fileno())
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and _analysed(data_dir) < total // 4:
        time.sleep(0.05)
    end_by_force(family(process.pid))
    process.wait()
    assert 0 < _analysed(data_dir) < total
    answer = pugmark(data_dir, "import", str(folder), "--wait")
    assert answer["done"] == total
    assert rows(data_dir, "select count(*), count(distinct sha256) from media where stage = 'ready'") == [
        (total, total)
    ]
    assert rows(data_dir, "select count(*), count(distinct path) from listed_file") == [(total, total)]
    assert rows(data_dir, "select count(*), count(distinct media_id) from analysis") == [(total, total)]
    assert rows(data_dir, "select count(*) from call where outcome is null") == [(0,)]


def _analysed(data_dir: Path) -> int:
    try:
        return rows(data_dir, "select count(*) from analysis")[0][0]
    except sqlite3.OperationalError:
        return 0


def test_malformed_files_are_all_refused_with_a_reason_and_the_rest_completes(tmp_path):
    folder = tmp_path / "card"
    folder.mkdir()
    bad = make_malformed(folder)
    good = sorted(sample_folder().rglob("*.JPG"))[:3]
    for number, path in enumerate(good):
        shutil.copy(path, folder / f"good {number}.JPG")
    assert len(bad) >= 50
    answer = pugmark(tmp_path / "data", "import", str(folder), "--wait", expect=3)
    assert answer["state"] == "done"
    reasons = {refusal["path"]: refusal["reason"] for refusal in answer["refusals"]}
    assert all(reasons.values())
    assert set(bad) <= set(reasons)
    listed = rows(tmp_path / "data", "select path from listed_file where outcome = 'new' and path like 'good %'")
    assert len(listed) == len(good)


def test_a_path_that_is_not_there_is_status_2_with_a_sentence(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "app", "import", str(tmp_path / "nothing"), "--wait"],
        cwd=ROOT,
        env=environment(tmp_path / "data"),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("There is no file or folder at")


def test_doctor_finds_the_embedded_path_ready(tmp_path):
    findings = {finding["name"]: finding for finding in pugmark_here(tmp_path / "data", "doctor")}
    for name in ("survey database", "job queue", "pocket-detector", "pocket-embedding", "rapid"):
        assert findings[name]["state"] == "ready", findings[name]
    assert len(findings["pocket-detector"]["sha256"]) == 64


def test_two_cards_read_at_one_path_and_a_zip_of_nothing_are_told_apart_from_a_whole_import(tmp_path):
    reader, data_dir = tmp_path / "reader", tmp_path / "data"
    for card, seeds in (("first", (1, 2, 3)), ("second", (4, 5))):
        shutil.rmtree(reader, ignore_errors=True)
        (reader / "DCIM/100EK113").mkdir(parents=True)
        for number, seed in enumerate(seeds):
            (reader / f"DCIM/100EK113/IMG_{number}.JPG").write_bytes(encoded(noisy(seed=seed)))
        if card == "second":
            (reader / "DCIM/100EK113/IMG_0.JPG_original").write_bytes(encoded(noisy(seed=6)))
            (reader / "DCIM/100EK113/IMG_9.JPG").write_bytes(encoded(noisy(seed=7))[:-2])
        answer = pugmark(data_dir, "import", str(reader / "DCIM"), "--wait", expect=3 if card == "second" else 0)
        assert answer["new"] == 3
    assert (answer["left_out"], answer["damaged"], answer["untimed"]) == (1, 1, 3)
    assert answer["files"]["left_out"] == ["100EK113/IMG_0.JPG_original"]
    assert answer["files"]["damaged"] == ["100EK113/IMG_9.JPG"]
    assert rows(data_dir, "select count(*) from media") == [(6,)]
    assert rows(data_dir, "select count(*) from import_batch") == [(2,)]
    assert rows(data_dir, "select name from deployment") == [("reader",)]
    (tmp_path / "empty.zip").write_bytes(raw_zip())
    assert pugmark(data_dir, "import", str(tmp_path / "empty.zip"), "--wait", expect=3)["refused"] == 1
    (tmp_path / "nothing").mkdir()
    assert pugmark(data_dir, "import", str(tmp_path / "nothing"), "--wait", expect=3)["done"] == 0
