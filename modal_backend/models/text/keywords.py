"""KeyBERT keywords of many notes in one pass: every distinct word and phrase is embedded once.

KeyBERT chooses, by maximal marginal relevance (Carbonell and Goldstein 1998); it is given the vectors, so that no text
is embedded twice.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modal_backend.models.text.note_text import NGRAMS, clean, note_phrases
from modal_backend.models.text.sentence_embedding import (
    DEFAULT_MODEL,
    Progress,
    SentenceEmbedding,
    Vectors,
    load_embedding,
)

VERSION = "1"
TOP_N = 10
DIVERSITY = 0.5
SEED_SHARE = 0.25  # KeyBERT: (3 * note + mean of the seed words) / 4
KEYWORD_COLUMNS = ["category", "keyword", "frequency", "score", "ngram_length"]


@dataclass(frozen=True)
class Candidates:
    """What may become a keyword.

    Attributes:
        phrases: distinct, sorted.
        of_note: those of each note.
        cut: places of notes of which the model reads the beginning only.
    """

    phrases: list[str]
    of_note: list[list[str]]
    cut: list[int]


@dataclass(frozen=True)
class Embeddings:
    """Unit vectors, float32: notes (n, dimension) and phrases (distinct, dimension)."""

    notes: Vectors
    phrases: Vectors


@dataclass(frozen=True)
class NoteKeywords:
    """Keywords with their score of each note, best first, and why a note has none, by its place."""

    keywords: list[list[tuple[str, float]]]
    errors: dict[int, str] = field(default_factory=dict)


def note_candidates(texts: Sequence[str], model: SentenceEmbedding, ngrams: tuple[int, int] = NGRAMS) -> Candidates:
    """The candidates of every note, from the part of it that the model reads."""
    read = [model.seen(text) for text in texts]
    of_note = note_phrases(read, ngrams)
    distinct = sorted({phrase for found in of_note for phrase in found})
    cut = [at for at, (part, text) in enumerate(zip(read, texts, strict=True)) if len(part) < len(text)]
    return Candidates(distinct, of_note, cut)


def embed(
    texts: Sequence[str],
    candidates: Candidates,
    model: SentenceEmbedding,
    *,
    seed_words: Sequence[str] = (),
    on_progress: Progress | None = None,
) -> Embeddings:
    """Vectors of all notes and of all distinct candidates; seed words draw the notes towards themselves."""
    both = len(set(texts)) + len(candidates.phrases)

    def later(done: int, _all: int) -> None:
        if on_progress:
            on_progress(both - len(candidates.phrases) + done, both)

    notes = model.encode(texts, on_progress and (lambda done, _all: on_progress(done, both)), notes=True)
    if seed_words:
        seeds = model.encode([word.lower() for word in seed_words]).mean(axis=0, keepdims=True)
        notes = (1 - SEED_SHARE) * notes + SEED_SHARE * seeds
        notes /= np.linalg.norm(notes, axis=1, keepdims=True)
    return Embeddings(notes.astype(np.float32), model.encode(candidates.phrases, later))


def select(
    candidates: Candidates, embeddings: Embeddings, *, top_n: int = TOP_N, diversity: float = DIVERSITY
) -> NoteKeywords:
    """The keywords of each note; a note that fails is named and harms no other."""
    errors: dict[int, str] = {}
    for note, vector in enumerate(embeddings.notes):
        if not candidates.of_note[note]:
            errors[note] = "No words to choose from: the note is empty, or holds only function words and numbers."
        elif not np.isfinite(vector).all():
            errors[note] = "The model gave no usable vector for this note."
    asked = [note for note in range(len(embeddings.notes)) if note not in errors]
    found: list[list[tuple[str, float]]] = [[] for _ in embeddings.notes]
    for note, keywords in zip(asked, _chosen(candidates, embeddings, asked, top_n, diversity), strict=True):
        found[note] = keywords
    return NoteKeywords(found, errors)


def _chosen(
    candidates: Candidates, embeddings: Embeddings, notes: list[int], top_n: int, diversity: float
) -> list[list[tuple[str, float]]]:
    place = {phrase: at for at, phrase in enumerate(candidates.phrases)}
    found = []
    for note in notes:
        words = sorted(set(candidates.of_note[note]))
        vectors = embeddings.phrases[[place[word] for word in words]]
        found.append(_mmr()(embeddings.notes[note : note + 1], vectors, words, top_n, diversity))
    return found


@cache
def _mmr() -> Callable[..., list[tuple[str, float]]]:
    """KeyBERT's choice by maximal marginal relevance: best first, (word, cosine with the note).

    The package itself would import PyTorch and 700 MB with it, to embed what is embedded already.
    """
    package = importlib.util.find_spec("keybert")
    assert package is not None
    spec = importlib.util.spec_from_file_location("keybert_mmr", Path(str(package.origin)).with_name("_mmr.py"))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module.mmr


def by_category(keywords: NoteKeywords, categories: Sequence[str]) -> pd.DataFrame:
    """Keywords by category: KEYWORD_COLUMNS; frequency: notes of the category with this keyword; score: its mean."""
    rows = [
        (category, keyword, score)
        for category, pairs in zip(categories, keywords.keywords, strict=True)
        for keyword, score in pairs
    ]
    table = pd.DataFrame(rows, columns=["category", "keyword", "score"])
    grouped = table.groupby(["category", "keyword"], sort=True)["score"].agg(["size", "mean"]).reset_index()
    grouped = grouped.rename(columns={"size": "frequency", "mean": "score"})
    grouped["score"] = grouped["score"].astype(float).round(4)
    grouped["ngram_length"] = grouped["keyword"].str.count(" ") + 1
    ordered = grouped.sort_values(
        ["category", "frequency", "score", "keyword"], ascending=[True, False, False, True], ignore_index=True
    )
    return ordered[KEYWORD_COLUMNS]


def run_keybert_extraction(
    notes: Any,
    model_name: str = DEFAULT_MODEL,
    *,
    top_n: int = TOP_N,
    ngram_range: tuple[int, int] = NGRAMS,
    diversity: float = DIVERSITY,
    seed_words: Sequence[str] = (),
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """KeyBERT keywords of all notes in one pass.

    Args:
        notes: a DataFrame with `processed_text` and `category`, or texts.

    Returns:
        Plain values: "keywords" (one list of [keyword, score] a note), "errors" (a note's place as text -> reason),
        "cut" (places of notes read in part), "by_category" (lists under KEYWORD_COLUMNS; without categories all notes
        count as one, named "") and "note_vectors" (shape and float32 bytes).

    Raises:
        BackendMisconfigured, WeightsMissing: the model cannot run.
    """
    texts, categories = texts_and_categories(notes)
    model = load_embedding(model_name)
    candidates = note_candidates(texts, model, (int(ngram_range[0]), int(ngram_range[1])))
    embeddings = embed(texts, candidates, model, seed_words=seed_words, on_progress=on_progress)
    found = select(candidates, embeddings, top_n=top_n, diversity=diversity)
    vectors = embeddings.notes
    return {
        "keywords": [[list(pair) for pair in pairs] for pairs in found.keywords],
        "errors": {str(at): reason for at, reason in found.errors.items()},
        "cut": candidates.cut,
        "by_category": by_category(found, categories).to_dict("list"),
        "note_vectors": {"shape": list(vectors.shape), "float32": vectors.tobytes()},
    }


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What a call asks for: {"embed": texts} gives their vectors, {"texts", "categories"} their keywords; further
    entries are the arguments of run_keybert_extraction."""
    options = {name: value for name, value in request.items() if name not in ("embed", "texts", "categories")}
    if "embed" in request:
        vectors = load_embedding(options.get("model_name", DEFAULT_MODEL)).encode(request["embed"])
        return {"vectors": {"shape": list(vectors.shape), "float32": vectors.tobytes()}}
    notes = pd.DataFrame({"processed_text": request["texts"], "category": request["categories"]})
    return run_keybert_extraction(notes, **options)


def texts_and_categories(notes: Any) -> tuple[list[str], list[str]]:
    """Clean texts and their categories; of a DataFrame, its columns processed_text (or text) and category."""
    if isinstance(notes, pd.DataFrame):
        column = "processed_text" if "processed_text" in notes else "text"
        texts = [clean(text) for text in notes[column]]
        categories = [str(category) for category in notes["category"]] if "category" in notes else [""] * len(texts)
        return texts, categories
    return [clean(text) for text in notes], [""] * len(notes)
