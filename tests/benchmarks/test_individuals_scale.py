"""The Individuals and Export pages with 1,000 individuals and 100,000 crops that all belong to somebody.

Budget of the design: under 300 ms a script run; what takes longer is computed beside the page.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.settings import load_settings
from app.survey.capture.history import Design, capture_history
from app.survey.database import Survey, open_survey
from app.survey.individuals import plausibility
from app.survey.tables.deployments import Deployment
from app.survey.tables.individuals import Individual, Sighting
from tests.benchmarks.test_page_scale import fill

resource = pytest.importorskip("resource", reason="memory is measured on POSIX")

ROOT = Path(__file__).resolve().parents[2]
CROPS, INDIVIDUALS, REPEATS = 100_000, 1_000, 5
RUNS = {
    "catalogue": ("individuals", {}),
    "catalogue, page 9, most seen first": ("individuals", {"page": "9", "order": "sightings"}),
    "card, crops": ("individuals", {"id": "7"}),
    "card, time and place": ("individuals", {"id": "7", "section": "Time and place"}),
    "card, neighbours": ("individuals", {"id": "7", "section": "Neighbours"}),
    "card, merge": ("individuals", {"id": "7", "section": "Merge"}),
    "card, split": ("individuals", {"id": "7", "section": "Split"}),
    "card, history": ("individuals", {"id": "7", "section": "History"}),
    "conflicts": ("individuals", {"view": "Conflicts"}),
    "capture history": ("individuals", {"view": "Capture history"}),
    "export": ("export", {}),
}


def assign(survey: Survey) -> None:
    """A thousand individuals with a hundred sightings each, at stations two kilometres apart."""
    people = [
        {"id": n, "name": f"T-{n:04d}", "species": "Panthera tigris", "created_at": 0.0}
        for n in range(1, INDIVIDUALS + 1)
    ]
    found = [
        {"detection_id": n, "individual_id": 1 + (n // 5) % INDIVIDUALS, "who": "ana", "decided_at": 0.0}
        for n in range(1, CROPS + 1)
    ]
    with survey.write() as session:
        session.execute(sa.insert(Individual), people)
        for first in range(0, len(found), 5000):
            session.execute(sa.insert(Sighting), found[first : first + 5000])
        for row in session.scalars(sa.select(Deployment)):
            row.latitude, row.longitude = 10 + 0.018 * (row.id % 8), 77 + 0.018 * (row.id // 8)


@pytest.mark.benchmark
def test_pages_of_a_thousand_individuals_stay_under_300_ms(tmp_path, monkeypatch, measured):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path))
    load_settings.cache_clear()
    st.cache_resource.clear()
    survey = open_survey(load_settings())
    fill(survey, CROPS)
    assign(survey)
    with survey.read() as session:
        start = time.perf_counter()
        report = plausibility.report(session)
        what = f"conflicts over {CROPS:,} sightings, {len(report.conflicts):,} found"
        measured(what, time.perf_counter() - start, "s")
        start = time.perf_counter()
        history = capture_history(session, Design())
        seconds = time.perf_counter() - start
        size = f"{len(history.individuals):,} x {len(history.stations)} x {history.occasions}"
        measured(f"capture history {size}", seconds, "s")
    slow = {}
    for title, (name, params) in RUNS.items():
        test = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=60).run()
        for key, value in params.items():
            test.query_params[key] = value
        start = time.perf_counter()
        test = test.switch_page(str(ROOT / "pages" / f"{name}.py")).run()
        first = time.perf_counter() - start
        runs = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            test.run()
            runs.append(time.perf_counter() - start)
        assert not test.exception
        measured(f"{title}, first", first * 1000, "ms")
        measured(f"{title}, then", statistics.median(runs) * 1000, "ms", at_most=300)
        slow |= {title: statistics.median(runs)} if statistics.median(runs) > 0.3 else {}
    measured("peak memory of the process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")
    survey.close()
    st.cache_resource.clear()
    load_settings.cache_clear()
    assert slow == {}
