"""Keywords and clusters on Modal, against the local control plane: the same tables as here."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pandas as pd
import pytest

from app.__main__ import main
from app.settings import load_settings
from modal_backend.errors import BackendMisconfigured, JobFailed
from modal_backend.models.text.keyword_clusters import run_keyword_clustering
from modal_backend.models.text.keywords import run_keybert_extraction
from modal_backend.models.text.sentence_embedding import LARGE_MODEL, load_embedding
from modal_backend.notes.on_modal import ask_backend, call_modal_keybert_extraction, call_modal_keyword_clustering
from modal_backend.registry import CLUSTERS
from modal_backend.remote import wire
from tests.modal.local_modal import ROOT
from tests.support.planted_notes import planted_notes

CORPUS = planted_notes(2, [30, 30], neutral=40, words=8, share_in=0.5, length=3)


@pytest.fixture
def command(plane, tmp_path, monkeypatch, capsys):
    """`python -m app notes` on planted notes, its models on the local control plane where --remote asks for them."""
    CORPUS.table.to_csv(tmp_path / "notes.csv", index=False)
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PUGMARK_BACKEND", "modal")
    load_settings.cache_clear()

    def run(out: str, *more: str) -> dict:
        asked = ["notes", str(tmp_path / "notes.csv"), "--text", "text", "--category", "category", "--json"]
        assert main([*asked, "--seed", "3", "--out", str(tmp_path / out), *more]) == 0
        return json.loads(capsys.readouterr().out)

    yield run
    load_settings.cache_clear()


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_command_gives_the_same_two_tables_here_and_on_modal_with_the_planted_words(plane, command, tmp_path):
    before = plane.state()["calls"]
    here = command("here")
    assert plane.state()["calls"] == before
    there = command("there", "--remote")
    assert len(plane.state()["calls"]) > len(before)
    assert {name: there[name] for name in there if name != "out"} == {
        name: here[name] for name in here if name != "out"
    }
    for name in ("keywords.csv", "clusters.csv"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["clusters.csv", "keywords.csv"]
    keywords, clusters = rows(tmp_path / "here" / "keywords.csv"), rows(tmp_path / "here" / "clusters.csv")
    assert keywords[0] == ["category", "keyword", "support_in", "support_out", "z", "q", "discriminative"]
    assert clusters[0] == ["keyword", "cluster", "probability", "label", "x", "y"]
    found = {row[1] for row in keywords[1:] if row[6] == "True"}
    assert found == {row[0] for row in clusters[1:]}
    assert all(words <= found for words in CORPUS.planted.values())
    assert here["clusters"] >= 1


def test_groups_of_words_are_found_noise_is_kept_and_membership_told():
    themes = {
        "river": ["river", "stream", "ford", "water", "crossing", "bank", "flood", "creek", "brook", "rapids"],
        "crime": ["snare", "poacher", "trap", "wire", "gun", "rifle", "hunter", "ambush", "arrest", "offence"],
    }
    found = run_keyword_clustering({**themes, "odd": ["tuesday", "spreadsheet"]}, seed=1)
    table = pd.DataFrame(found["keyword_cluster_data"])
    assert list(table.columns) == ["keyword", "cluster", "probability", "label", "x", "y"]
    assert sorted(table["keyword"]) == sorted([*themes["river"], *themes["crime"], "tuesday", "spreadsheet"])
    assert (table.loc[table["cluster"] < 0, "probability"] == 0).all()
    assert table["probability"].between(0, 1).all()
    assert (table["cluster"].value_counts().drop(-1, errors="ignore") >= 5).all()
    group = dict(zip(table["keyword"], table["cluster"], strict=True))
    assert group["river"] == group["stream"] != group["poacher"] == group["hunter"]
    assert sum(sum(row.values()) for row in found["category_clusters"].values()) == 22
    assert found == run_keyword_clustering({**themes, "odd": ["tuesday", "spreadsheet"]}, seed=1)


def test_the_helpers_send_plain_lists_and_give_the_same_dicts(plane, client):
    notes = pd.DataFrame({"processed_text": ["wire snare at the ford", ""], "category": ["a", "b"]})
    options = {"top_n": 3, "ngram_range": (1, 2)}
    sent = []

    def ask(model, request):
        sent.append(request)
        return ask_backend(client, model, request)

    assert call_modal_keybert_extraction(notes, ask=ask, **options) == run_keybert_extraction(notes, **options)
    table = pd.DataFrame({"category": ["a", "a", "b"], "keyword": ["snare", "ford", "ford"], "support_in": [3, 4, 5]})
    assert call_modal_keyword_clustering(table, ask=ask, seed=2) == run_keyword_clustering(table, seed=2)
    assert all(
        isinstance(value, str | int | float | list | dict | bytes | None)
        for payload in sent
        for value in payload.values()
    )


EPHEMERAL = """
import numpy as np
from modal_backend.modal_app import app
from modal_backend.notes.on_modal import call_modal_keyword_clustering
from modal_backend.models.text.keyword_clusters import run_keyword_clustering
vectors = np.eye(4, dtype=np.float32)
words = {"a": ["ford", "ridge"], "b": ["road", "salt"]}
with app.run():
    there = call_modal_keyword_clustering(words, vectors=vectors, seed=1)
assert there == run_keyword_clustering(words, vectors=vectors, seed=1), there
print("the same")
"""


def test_inside_app_run_the_ephemeral_app_answers(plane):
    ran = subprocess.run(
        [sys.executable, "-c", EPHEMERAL],
        cwd=ROOT,
        env=plane.env | {"MODAL_APP_NAME": "pugmark-ephemeral"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "the same" in ran.stdout


def test_the_large_model_says_that_it_needs_a_gpu_where_there_is_none():
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(BackendMisconfigured, match="GPU"):
        load_embedding(LARGE_MODEL)


def test_a_request_that_fails_there_is_told_with_its_reason(plane, client):
    with pytest.raises(JobFailed, match="ValueError"):
        ask_backend(
            client, CLUSTERS, {"discriminative_keywords": {"a": ["x"]}, "vectors": {"shape": [9], "float32": b""}}
        )


def test_plain_values_cross_the_wire_as_they_are():
    value = {"texts": ["a"], "vectors": b"\x00", "none": None, "nested": [["b", 0.5]]}
    assert wire.unpack_call(wire.pack_call([value])) == [value]
