"""Keywords of 5,000 notes in one pass against KeyBERT called note by note with the same vectoriser on 200 of them."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from app.notes.example import OF_KIND
from app.sample.plan import station_name
from modal_backend.models.text.keywords import run_keybert_extraction
from modal_backend.models.text.note_text import phrases
from tests.support.commands import ROOT, environment
from tests.support.minilm import minilm_by_torch
from tests.support.planted_notes import planted_notes

resource = pytest.importorskip("resource", reason="memory is measured on POSIX")

NOTES, BY_NOTE = 5000, 200
LEAST_RATIO, MOST_MB = 4.0, 1000


def field_notes(count: int) -> list[str]:
    """Notes of two to three remarks with a count, an animal and a place, all made up."""
    import numpy as np

    random = np.random.default_rng(3)
    remarks = [remark for kind in OF_KIND.values() for remark in kind]
    animals = ["sambar", "chital", "gaur", "wild boar", "sloth bear", "leopard", "tiger", "langur", "dhole", "jackal"]
    acts = ["crossing the path", "drinking at dusk", "heading north", "with two young", "grazing near the camera"]
    return [
        f"{random.choice(remarks)}. {random.integers(1, 9)} {random.choice(animals)} {random.choice(acts)} at "
        f"{station_name(int(random.integers(12)))}. {random.choice(remarks)}."
        for _ in range(count)
    ]


@pytest.mark.benchmark
def test_one_pass_takes_a_quarter_of_the_time_a_note_and_gives_the_same_keywords(measured):
    from keybert import KeyBERT

    notes = field_notes(NOTES)
    theirs = KeyBERT(minilm_by_torch())
    theirs.extract_keywords(notes[0], vectorizer=CountVectorizer(analyzer=phrases), use_mmr=True)
    start = time.perf_counter()
    expected = [
        theirs.extract_keywords(
            note, vectorizer=CountVectorizer(analyzer=phrases), use_mmr=True, diversity=0.5, top_n=10
        )
        for note in notes[:BY_NOTE]
    ]
    by_note = (time.perf_counter() - start) / BY_NOTE
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps: list[int] = []
    start = time.perf_counter()
    found = run_keybert_extraction(notes, on_progress=lambda done, _all: steps.append(done))
    at_once = (time.perf_counter() - start) / NOTES
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    same = sum(
        [word for word, _ in keywords] == [word for word, _ in other]
        for keywords, other in zip(found["keywords"], expected, strict=False)
    )
    measured(f"keywords of {NOTES:,} notes, a note", at_once * 1000, "ms", baseline=by_note * 1000)
    measured("times faster than KeyBERT note by note", by_note / at_once, "x", at_least=LEAST_RATIO)
    measured("the same keywords", same / BY_NOTE, at_least=0.99)
    measured("memory it grew by", grown, "MB")
    assert by_note / at_once >= LEAST_RATIO
    assert same >= BY_NOTE * 0.99
    assert len(steps) > 20


@pytest.mark.benchmark
def test_the_command_takes_5000_notes_in_a_gigabyte(tmp_path: Path, measured):
    notes = field_notes(NOTES)
    sites = [next((name for name in map(station_name, range(12)) if name in note), "elsewhere") for note in notes]
    pd.DataFrame({"text": notes, "category": sites}).to_csv(tmp_path / "notes.csv", index=False)
    command = [sys.executable, "-m", "app", "notes", str(tmp_path / "notes.csv"), "--text", "text", "--category"]
    start, peak = time.perf_counter(), 0
    running = psutil.Popen(
        [*command, "category", "--out", str(tmp_path / "out")], cwd=ROOT, env=environment(tmp_path / "data")
    )
    while running.poll() is None:
        with suppress(psutil.Error):
            parts = [running, *running.children(recursive=True)]
            peak = max(peak, sum(part.memory_info().rss for part in parts))
        time.sleep(0.05)
    measured(f"{NOTES:,} notes by the command", time.perf_counter() - start, "s")
    measured("memory of it and its children", peak / 2**20, "MB", at_most=MOST_MB)
    assert running.returncode == 0
    assert peak <= MOST_MB * 2**20


@pytest.mark.benchmark
def test_the_same_seed_gives_the_same_files_in_two_processes(tmp_path: Path):
    planted_notes(0, [40, 40, 40], neutral=60, words=6).table.to_csv(tmp_path / "notes.csv", index=False)
    command = [sys.executable, "-m", "app", "notes", str(tmp_path / "notes.csv"), "--text", "text", "--category"]
    for name, seed in (("one", "1"), ("two", "77")):
        subprocess.run(
            [*command, "category", "--seed", "3", "--out", str(tmp_path / name)],
            cwd=ROOT,
            env=environment(tmp_path / "data", PYTHONHASHSEED=seed),
            check=True,
            timeout=300,
        )
    for name in ("keywords.csv", "clusters.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
