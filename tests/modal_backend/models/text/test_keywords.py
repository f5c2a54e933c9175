"""Cleaning, phrases, and KeyBERT keywords in one pass against KeyBERT itself, note by note."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from modal_backend.errors import BackendMisconfigured
from modal_backend.models.text import keywords
from modal_backend.models.text.note_text import LONGEST_TEXT, clean, phrases
from modal_backend.models.text.sentence_embedding import load_embedding
from tests.support.commands import ROOT
from tests.support.minilm import minilm_by_torch

NOTES = [
    "Pug marks of an adult male in wet sand, 200 m below the ford. Camera moved by elephants.",
    "Wire snare removed near the salt lick; cattle grazing and woodcutters along the old road.",
    "No sign today. Changed batteries, cleared leaves in front of the lens.",
    "Chital alarm calls at dusk, leopard scrape on the ridge trail.",
    "",
    "and of the 12 34",
]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>Tiger&nbsp;at <b>ford</b></p><script>alert(1)</script>", "Tiger at ford"),
        ("one\x00two\x07\u200b three\r\n\tfour", "one two three four"),
        ("cafe\u0301", "café"),
        ("a < b and c > d", "a < b and c > d"),
        (None, ""),
        (float("nan"), ""),
        ("  \n ", ""),
        (12, "12"),
    ],
)
def test_notes_become_one_line_of_readable_text(raw, expected):
    assert clean(raw) == expected


def test_a_note_of_a_million_characters_is_cut():
    assert len(clean("pug mark " * 120_000)) <= LONGEST_TEXT


def test_phrases_stand_together_in_the_text_and_skip_no_word():
    found = phrases("Rangers removed a wire snare, old fence. Snare-line by T-07's ford_2 in 2024")
    assert "wire snare" in found
    assert "rangers removed" in found
    assert "removed wire" not in found
    assert "snare old" not in found
    assert {"snare-line", "ford_2"} <= set(found)
    assert "2024" not in found
    assert max(phrase.count(" ") for phrase in found) == 2 or "wire snare" in found


def test_keywords_and_scores_are_those_of_keybert_called_note_by_note():
    from keybert import KeyBERT
    from sklearn.feature_extraction.text import CountVectorizer

    ours = keywords.run_keybert_extraction(NOTES, top_n=6)
    theirs = KeyBERT(minilm_by_torch())
    for note, found in zip(NOTES[:4], ours["keywords"], strict=False):
        expected = theirs.extract_keywords(
            note, vectorizer=CountVectorizer(analyzer=phrases), use_mmr=True, diversity=0.5, top_n=6
        )
        assert [word for word, _ in found] == [word for word, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=2e-4)


def test_choosing_keywords_brings_no_torch_into_memory():
    script = (
        "import sys; from modal_backend.models.text import keywords; keywords._mmr(); print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_notes_without_words_are_told_one_by_one_and_harm_no_other():
    found = keywords.run_keybert_extraction(NOTES, top_n=3)
    assert set(found["errors"]) == {"4", "5"}
    assert "empty" in found["errors"]["4"]
    assert [len(of_note) for of_note in found["keywords"]] == [3, 3, 3, 3, 0, 0]


def test_every_distinct_text_is_embedded_once_and_progress_moves(monkeypatch):
    model = load_embedding()
    texts = []
    original = type(model)._encode_distinct
    monkeypatch.setattr(
        type(model),
        "_encode_distinct",
        lambda self, given, progress: (texts.extend(given), original(self, given, progress))[1],
    )
    steps = []
    keywords.run_keybert_extraction(NOTES[:2] * 5, on_progress=lambda done, total: steps.append((done, total)))
    assert len(texts) == len(set(texts))
    assert steps[-1][0] == steps[-1][1] == len(texts)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_a_vector_does_not_depend_on_its_neighbours_or_their_order():
    model = load_embedding()
    words = ["salt lick", "ford", "river crossing", "ridge", "old road"]
    forward, backward = model.encode(words), model.encode(words[::-1])
    assert (forward == backward[::-1]).all()
    assert forward[0] @ model.encode(["salt lick"])[0] == pytest.approx(1, abs=1e-6)


def test_of_a_long_note_only_what_the_model_reads_gives_candidates():
    long = "pug marks at the ford. " * 4000 + "porcupine"
    model = load_embedding()
    candidates = keywords.note_candidates([clean(long), "porcupine quills"], model)
    assert candidates.cut == [0]
    phrases_of_note = set(candidates.of_note[0])
    assert "pug marks" in phrases_of_note
    assert "porcupine" not in phrases_of_note


def test_seed_words_draw_keywords_towards_them():
    def place(words):
        found = keywords.run_keybert_extraction([NOTES[1]], top_n=30, seed_words=words)["keywords"][0]
        return [word for word, _ in found].index("cattle grazing")

    assert place(["livestock", "cattle"]) < place([])


def test_the_table_by_category_counts_notes_and_averages_scores():
    table = pd.DataFrame({"processed_text": ["fresh snare", "old snare"], "category": ["a", "a"]})
    rows = pd.DataFrame(keywords.run_keybert_extraction(table, ngram_range=(1, 1))["by_category"])
    snare = rows[rows["keyword"] == "snare"].iloc[0]
    assert (snare["frequency"], snare["ngram_length"]) == (2, 1)
    assert 0 < snare["score"] < 1


def test_an_unknown_embedding_model_and_one_without_a_gpu_are_told():
    with pytest.raises(BackendMisconfigured, match="no embedding model named lynx"):
        load_embedding("lynx")
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(BackendMisconfigured, match="needs a GPU"):
            load_embedding("SFR-Embedding-Mistral")


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path, monkeypatch):
    from modal_backend.errors import WeightsMissing
    from modal_backend.models.text import sentence_embedding

    (tmp_path / "model.safetensors").write_bytes(b"not the model")
    monkeypatch.setattr(sentence_embedding, "installed", lambda: tmp_path)
    with pytest.raises(WeightsMissing, match="not the published"):
        sentence_embedding._weights(sentence_embedding.EMBEDDING_MODELS["all-MiniLM-L6-v2"])
