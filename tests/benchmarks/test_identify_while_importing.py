"""Identify's next crop, idle and while a worker imports 8-megapixel pictures, and what the import loses meanwhile.

A person opens a crop every second and decides every other; the worker runs in a process of its own, as always.
Budgets: the next crop within 60 ms (median) and 300 ms (p95); the import slower by at most a third.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from app import deps
from app.actions.identify import apply_identity
from app.jobs.process import WorkerProcess
from app.settings import load_settings
from app.survey.database import Survey, open_survey
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.tables.media import ImportBatch, ImportState, Media, Stage
from modal_backend.models.probability.calibration import FUSED
from modal_backend.registry import LOCAL
from tests.support.commands import ROOT, environment
from tests.support.scenes import sample_folder

PICTURES, WARM_UP, ALONE = 150, 8, 50
STEPS, PAUSE = 12, 1.0


def write_card(folder: Path) -> Path:
    """Scenes of 8 megapixels; a comment of its own makes each another file."""
    folder.mkdir()
    encoded = []
    for path in sorted(sample_folder().rglob("*.JPG"))[:8]:
        out = io.BytesIO()
        Image.open(path).convert("RGB").resize((3264, 2448)).save(out, "JPEG", quality=88)
        encoded.append(out.getvalue())
    for number in range(PICTURES):
        picture, comment = encoded[number % len(encoded)], f"{number:04d}".encode()
        marked = picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]
        (folder / f"{number:04d}.jpg").write_bytes(marked)
    return folder


def take(survey: Survey, folder: Path) -> int:
    """Begin an import, which the worker finds by itself; returns its id."""
    with survey.write() as session:
        return imports.start_import(session, kind="folder", root=str(folder), label=folder.name).id


def is_open(survey: Survey, import_id: int) -> bool:
    """Whether an import is still to be done."""
    with survey.read() as session:
        return session.get_one(ImportBatch, import_id).state in (ImportState.QUEUED, ImportState.RUNNING)


def until(done: Callable[[], bool], seconds: float = 600) -> float:
    """Wait for something; returns the seconds it took."""
    start = time.perf_counter()
    while not done():
        assert time.perf_counter() - start < seconds
        time.sleep(0.005)
    return time.perf_counter() - start


def analysed(survey: Survey) -> int:
    """How many pictures are ready."""
    with survey.read() as session:
        return session.scalar(sa.select(sa.func.count(Media.id)).where(Media.stage == Stage.READY)) or 0


def ranked(survey: Survey, query: int) -> bool:
    """Whether a query has an order that knows every decision."""
    with survey.read() as session:
        return rankings.is_fresh(rankings.ranking(session, query, FUSED, Scope()), rankings.stamp(session))


def open_crops(page: AppTest, survey: Survey, crops: list[int]) -> dict[str, list[float]]:
    """Seconds until the next crop is drawn, and from a decision until the crop on the screen is ranked anew."""
    drawn, decided = [], []
    for number, crop in enumerate(crops):
        time.sleep(PAUSE)
        page.query_params["q"] = str(crop)
        start = time.perf_counter()
        page.run()
        drawn.append(time.perf_counter() - start)
        assert not page.exception
        if number % 2:
            action = {"n": 1, "uuid": f"decided-{crop}", "kind": "new", "query_id": crop}
            start = time.perf_counter()
            apply_identity(survey, deps.jobs(), "ana", [action], 0, {})
            following = crops[(number + 1) % len(crops)]
            page.query_params["q"] = str(following)
            page.run()
            until(partial(ranked, survey, following))
            decided.append(time.perf_counter() - start)
    return {"drawn": drawn, "decided": decided}


@pytest.fixture
def dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The sample survey, its worker and the page Identify."""
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
    load_settings.cache_clear()
    st.cache_resource.clear()
    survey = open_survey(load_settings())
    first = take(survey, sample_folder())
    worker = WorkerProcess(cwd=ROOT, environment=environment(tmp_path / "data"))
    worker.start()
    page = AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=60).run()
    page = page.switch_page(str(ROOT / "pages" / "identify.py")).run()
    until(lambda: not is_open(survey, first))
    with survey.read() as session:
        crops = rankings.waiting(session, feature_version(session, LOCAL), limit=2 * STEPS)
    page.run()
    until(lambda: ranked(survey, crops[0]))
    yield survey, page, crops
    worker.stop()
    survey.close()
    st.cache_resource.clear()
    load_settings.cache_clear()


@pytest.mark.benchmark
def test_the_next_crop_comes_at_once_while_an_import_runs(dashboard, tmp_path, measured):
    survey, page, crops = dashboard
    card = write_card(tmp_path / "card")
    before = analysed(survey)
    idle = open_crops(page, survey, crops[:STEPS])
    deps.jobs().run_import(take(survey, card))
    until(lambda: analysed(survey) - before >= WARM_UP)
    first, alone = analysed(survey), until(lambda: analysed(survey) - before >= WARM_UP + ALONE)
    alone = (analysed(survey) - first) / alone
    first, start = analysed(survey), time.perf_counter()
    busy = open_crops(page, survey, crops[-STEPS:])
    beside = (analysed(survey) - first) / (time.perf_counter() - start)
    assert analysed(survey) - before < PICTURES
    for what, name in (("next crop", "drawn"), ("decision to the next order", "decided")):
        times, quiet = 1000 * np.array(busy[name]), 1000 * np.array(idle[name])
        bars = ({"at_most": 60}, {"at_most": 300}) if name == "drawn" else ({}, {})
        measured(f"{what} during an import, median (bare: idle)", statistics.median(times), "ms",
                 baseline=statistics.median(quiet), **bars[0])  # fmt: skip
        measured(f"{what} during an import, p95 (bare: idle)", np.percentile(times, 95), "ms",
                 baseline=np.percentile(quiet, 95), **bars[1])  # fmt: skip
    measured("import beside a person, share of its throughput alone", beside / alone, at_least=2 / 3)
    measured("import alone", alone, "pictures/s")
