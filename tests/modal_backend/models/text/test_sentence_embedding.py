"""all-MiniLM-L6-v2 through ONNX Runtime against torch: the same tokens, the same vectors, without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from modal_backend.models.text.sentence_embedding import load_embedding
from tests.support.minilm import minilm_by_torch

ROOT = Path(__file__).resolve().parents[4]
LONG = "pug marks at the salt lick, café, two of them; "
TEXTS = ["tiger", "", "wire snare", "Chital alarm calls at dusk near ford_2", LONG, LONG * 8, LONG * 40, "ǅ 虎 🐅"]


def test_vectors_are_those_of_torch():
    theirs = minilm_by_torch().encode(TEXTS, normalize_embeddings=True)
    ours = load_embedding().encode(TEXTS)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs).max() < 1e-4


def test_tokens_and_the_part_that_is_read_are_those_of_the_published_tokenizer():
    model, tokenizer = load_embedding(), minilm_by_torch().tokenizer
    cut = {"truncation": True, "max_length": model.entry.max_tokens}
    assert model._network.tokenise(TEXTS) == tokenizer(TEXTS, **cut)["input_ids"]
    offsets = tokenizer(LONG * 40, **cut, return_offsets_mapping=True)["offset_mapping"]
    assert model.seen(LONG * 40) == (LONG * 40)[: max(end for _, end in offsets)]
    assert model.seen(LONG) == LONG


def test_the_order_of_texts_changes_no_vector_and_progress_reaches_the_end():
    steps: list[tuple[int, int]] = []
    model = load_embedding()
    there = model.encode(TEXTS, lambda done, of: steps.append((done, of)))
    assert steps[-1] == (len(TEXTS), len(TEXTS))
    assert np.array_equal(there, model.encode(TEXTS[::-1])[::-1])


def test_vectors_of_texts_need_no_torch():
    code = (
        "import sys; from modal_backend.models.text.sentence_embedding import load_embedding;"
        "load_embedding().encode(['pug marks']); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
