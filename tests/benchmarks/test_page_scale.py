"""The script run of every page with 100,000 crops against 1,000, and a refresh of the status strip with 100,000 calls.

Budgets: at most 1.2 times or under 100 ms a page; under 5 ms a refresh.
"""

from __future__ import annotations

import statistics
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import deps
from app.settings import load_settings
from app.survey.calls.overview import snapshot
from app.survey.database import Survey, open_survey
from app.survey.tables.calls import Call
from app.survey.tables.deployments import Deployment, Event
from app.survey.tables.detections import Analysis, Detection, Feature, ModelVersion
from app.survey.tables.media import ImportBatch, ListedFile, Media
from app.survey.tables.species import SpeciesHint
from modal_backend.models.species.hints import VERSION

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "survey", "upload", "detections", "stations", "videos", "identify", "individuals", "history", "field_notes",
    "export", "operations",
)  # fmt: skip
SMALL, LARGE, CALLS = 1_000, 100_000, 100_000
REPEATS = 5


def fill(survey: Survey, crops: int) -> None:
    """As many media with one described animal each, in bursts of five at 40 stations."""
    start = datetime(2024, 1, 1)
    numbers = range(1, crops + 1)
    common = {"created_at": 0.0}
    detector = {
        "task": "detect",
        "backend": "embedded",
        "model": "pocket-detector",
        "version": "1",
        "preprocessing": "",
    }
    local = {**detector, "task": "local features", "model": "rapid"}
    tables = [
        (Deployment, [{"id": n, "name": f"Station {n}", "station": f"Station {n}", **common} for n in range(1, 41)]),
        (ImportBatch, [{"id": 1, "kind": "folder", "root": "/card", "label": "card", "state": "done",
                        "new_files": crops, "duplicate_files": 0, "refused_files": 0, **common}]),
        (ModelVersion, [{"id": 1, "threshold": 0.5, **detector}, {"id": 2, **local}]),
        (Event, [
            {"id": n, "deployment_id": 1 + n % 40, "started_at": start, "ended_at": start}
            for n in range(1, crops // 5 + 2)
        ]),
        (Media, [{
            "id": n, "sha256": f"{n:064x}", "format": "jpeg", "bytes": 1, "width": 1600, "height": 1200,
            "taken_at": start + timedelta(minutes=n), "deployment_id": 1 + (n // 5) % 40, "event_id": 1 + n // 5,
            "stage": "ready", "animal_score": (n % 100) / 100, "analysis_id": n, **common,
        } for n in numbers]),
        (ListedFile, [
            {"import_id": 1, "path": f"{n}.jpg", "media_id": n, "outcome": "new", "listed_at": 0.0} for n in numbers
        ]),
        (Analysis, [{"id": n, "media_id": n, "model_version_id": 1, **common} for n in numbers]),
        (Detection, [{
            "id": n, "media_id": n, "analysis_id": n, "category": "animal", "confidence": (n % 100) / 100,
            "x": 0.2, "y": 0.2, "width": 0.4, "height": 0.4, **common,
        } for n in numbers]),
        (Feature, [{
            "detection_id": n, "model_version_id": 2, "box": "0", "count": 0, "vectors": b"", "points": b"", **common,
        } for n in numbers]),
        (SpeciesHint, [
            {"detection_id": n, "feature_id": n, "version": VERSION, "name": f"animal {n % 30}", "score": 0.8}
            for n in numbers
        ]),
    ]  # fmt: skip
    with survey.write() as session:
        for table, rows in tables:
            for first in range(0, len(rows), 5000):
                session.execute(sa.insert(table), rows[first : first + 5000])


def seconds_a_page(data_dir: Path, monkeypatch: pytest.MonkeyPatch, crops: int) -> dict[str, float]:
    """Median seconds of a script run of each page, once the figures that are made beside the pages have come."""
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(data_dir))
    load_settings.cache_clear()
    st.cache_resource.clear()
    survey = open_survey(load_settings())
    fill(survey, crops)
    times = {}
    for name in PAGES:
        test = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=60).run()
        test = test.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
        for number in range(2):  # one worker makes them in turn: what is asked last comes last
            assert deps.computed().ask((name, crops, number), lambda: True, 60)
            test.run()
        runs = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            test.run()
            runs.append(time.perf_counter() - start)
        assert not test.exception
        times[name] = statistics.median(runs)
    survey.close()
    return times


@pytest.mark.benchmark
@pytest.mark.quick
def test_pages_do_not_slow_down_with_the_survey(tmp_path, monkeypatch, measured):
    small = seconds_a_page(tmp_path / "small", monkeypatch, SMALL)
    large = seconds_a_page(tmp_path / "large", monkeypatch, LARGE)
    for name in PAGES:
        measured(f"page {name}, {LARGE:,} crops (bare: {SMALL:,})", large[name] * 1000, "ms",
                 baseline=small[name] * 1000, at_most=max(100, 1.2 * small[name] * 1000))  # fmt: skip
    st.cache_resource.clear()
    load_settings.cache_clear()
    assert all(large[name] <= 1.2 * small[name] or large[name] < 0.1 for name in PAGES)


@pytest.mark.benchmark
@pytest.mark.quick
def test_a_refresh_of_the_strip_reads_only_the_last_minutes(survey, measured):
    now = time.time()
    rows = [
        {"task": "detect", "model": "pocket-detector", "backend": "embedded", "items": 8, "queued_at": now - n,
         "started_at": now - n, "finished_at": now - n + 0.5, "outcome": "done", "attempts": 1, "bytes": 0}
        for n in range(CALLS)
    ]  # fmt: skip
    with survey.write() as session:
        for first in range(0, CALLS, 5000):
            session.execute(sa.insert(Call), rows[first : first + 5000])
    runs = []
    for _ in range(20):
        start = time.perf_counter()
        snapshot(survey)
        runs.append(time.perf_counter() - start)
    measured(f"status strip, {CALLS:,} calls", statistics.median(runs) * 1000, "ms", at_most=5)
