"""Keywords and clusters on Modal, against the local control plane: the same tables as here."""

# ruff: noqa: F811 (fixtures are imported by name)

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from modal_backend import wire
from modal_backend.errors import BackendMisconfigured, JobFailed
from modal_backend.keyword_pipeline import NotesPipeline
from modal_backend.keywords_remote import (
    ask_backend,
    call_modal_keybert_extraction,
    call_modal_keyword_clustering,
)
from modal_backend.models.keyword_clusters import run_keyword_clustering
from modal_backend.models.keywords import run_keybert_extraction
from modal_backend.registry import CLUSTERS, KEYWORDS, LARGE_KEYWORDS
from tests.local_modal import ROOT, client, control_plane, plane  # noqa: F401
from tests.planted_notes import planted_notes


def test_the_graph_gives_the_same_tables_here_and_in_containers_which_are_processes_of_their_own(
    plane, client, tmp_path
):
    planted_notes(2, [30, 30], neutral=40, words=8).table.to_csv(tmp_path / "notes.csv", index=False)
    asked = []

    def ask(model, request):
        asked.append(model)
        return ask_backend(client, model, request)

    nodes = ["keywords_table", "clusters_table", "keywords_by_category"]
    here = NotesPipeline(tmp_path, tmp_path / "a", disable_cache=True).run(nodes)
    there = NotesPipeline(tmp_path, tmp_path / "b", True, True, ask=ask).run(nodes)
    assert asked == [KEYWORDS, KEYWORDS, CLUSTERS]
    assert len(here["clusters_table"]) >= 12
    for name in nodes:
        pd.testing.assert_frame_equal(here[name], there[name], check_exact=True)


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
        isinstance(value, str | int | float | list | dict | bytes | None) for one in sent for value in one.values()
    )


EPHEMERAL = """
import numpy as np
from modal_backend.modal_app import app
from modal_backend.keywords_remote import call_modal_keyword_clustering
from modal_backend.models.keyword_clusters import run_keyword_clustering
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


def test_the_large_model_says_that_it_needs_a_gpu_where_there_is_none(plane, client):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(BackendMisconfigured, match="GPU"):
        ask_backend(client, LARGE_KEYWORDS, {"embed": ["snare"]})


def test_a_request_that_fails_there_is_told_with_its_reason(plane, client):
    with pytest.raises(JobFailed, match="ValueError"):
        ask_backend(
            client, CLUSTERS, {"discriminative_keywords": {"a": ["x"]}, "vectors": {"shape": [9], "float32": b""}}
        )


def test_plain_values_cross_the_wire_as_they_are():
    value = {"texts": ["a"], "vectors": b"\x00", "none": None, "nested": [["b", 0.5]]}
    assert wire.unpack_call(wire.pack_call([value])) == [value]
