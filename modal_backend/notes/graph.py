"""The nodes of the graph from notes to clusters. Each function is a node, its arguments are the nodes it needs.

notes -> cleaned -> candidates -> embeddings -> note_keywords -> keywords_by_category -> discriminative_keywords ->
keyword_vectors -> clusters, layout_2d -> cluster_labels, and the two tables made of them. Where `extraction_on` or
`clustering_on` is "modal", the nodes between are answered by Modal; the functions that run there are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config

from modal_backend.models.text import discriminative as stats
from modal_backend.models.text import keyword_clusters, keywords
from modal_backend.models.text.discriminative import Occurrences
from modal_backend.models.text.keyword_clusters import Clusters
from modal_backend.models.text.keywords import Candidates, Embeddings, NoteKeywords
from modal_backend.models.text.note_text import clean, note_phrases
from modal_backend.models.text.sentence_embedding import load_embedding
from modal_backend.notes import categories, on_modal
from modal_backend.notes.columns import FIELDS, BadNotes, guess_columns
from modal_backend.notes.counts import count_notes
from modal_backend.notes.table import SUFFIXES, mapped, read_table

Report = Any  # called with (node, done, total); Hamilton cannot check the type of a function

NO_CATEGORY = "(none)"


def notes(data_dir: str, columns: dict[str, str | None] | None) -> pd.DataFrame:
    """The notes in data_dir: row, text, category, date, station, individual. Raises BadNotes.

    Args:
        data_dir: a file, or a folder with one file of notes (notes.* first).
        columns: which column holds which field; None takes the usual names.
    """
    table = read_table(_file_of(Path(data_dir)))
    return mapped(table, columns or guess_columns(list(table.columns)))


def joined_categories(notes: pd.DataFrame, join_names: bool = True) -> dict[str, str]:
    """Categories that are another one in other letters ("RIVER": "River"); none where they are kept apart."""
    return categories.join_names(notes["category"].str.strip()) if join_names else {}


def cleaned(notes: pd.DataFrame, joined_categories: dict[str, str] | None = None) -> pd.DataFrame:
    """The notes that count, with `processed_text`: without empty ones, and each repetition once.

    A repetition has the same text and the same category, date, station and individual. Notes without a category are
    in one of their own, NO_CATEGORY.
    """
    names = [str(name).strip() for name in notes["category"]]
    table = notes.assign(
        processed_text=[clean(text) for text in notes["text"]],
        category=[(joined_categories or {}).get(name, name) or NO_CATEGORY for name in names],
    )
    table = table[table["processed_text"] != ""]
    same = ["processed_text", *(field for field in FIELDS if field != "text")]
    return table.drop_duplicates(same).reset_index(drop=True)


def note_counts(notes: pd.DataFrame, cleaned: pd.DataFrame) -> dict[str, Any]:
    """How many notes there are, are empty, repeated or long, by category and by language."""
    return count_notes(notes, cleaned)


def candidates(cleaned: pd.DataFrame, model_name: str, ngrams: tuple) -> Candidates:
    """The words and phrases that may become keywords."""
    return keywords.note_candidates(list(cleaned["processed_text"]), load_embedding(model_name), tuple(ngrams))


def embeddings(
    cleaned: pd.DataFrame, candidates: Candidates, model_name: str, seed_words: list[str], report: Report
) -> Embeddings:
    """Vectors of the notes and of every distinct candidate."""
    return keywords.embed(
        list(cleaned["processed_text"]),
        candidates,
        load_embedding(model_name),
        seed_words=seed_words,
        on_progress=lambda done, total: report("embeddings", done, total),
    )


@config.when(extraction_on="modal")
def extraction(
    cleaned: pd.DataFrame,
    model_name: str,
    ngrams: tuple,
    seed_words: list[str],
    top_n: int,
    diversity: float,
    ask: Any,
) -> dict[str, Any]:
    """What Modal answers to all notes at once."""
    return on_modal.call_modal_keybert_extraction(
        cleaned[["category", "processed_text"]],
        model_name=model_name,
        ngram_range=ngrams,
        seed_words=seed_words,
        top_n=top_n,
        diversity=diversity,
        ask=ask,
    )


@config.when(extraction_on="here")
def note_keywords__here(candidates: Candidates, embeddings: Embeddings, top_n: int, diversity: float) -> NoteKeywords:
    """The keywords of each note."""
    return keywords.select(candidates, embeddings, top_n=top_n, diversity=diversity)


@config.when(extraction_on="modal")
def note_keywords__modal(extraction: dict[str, Any]) -> NoteKeywords:
    """The keywords of each note."""
    found = [[(word, score) for word, score in pairs] for pairs in extraction["keywords"]]
    return NoteKeywords(found, {int(at): reason for at, reason in extraction["errors"].items()})


@config.when(extraction_on="here")
def note_vectors__here(embeddings: Embeddings) -> np.ndarray:
    """Unit vectors of the notes."""
    return embeddings.notes


@config.when(extraction_on="modal")
def note_vectors__modal(extraction: dict[str, Any]) -> np.ndarray:
    """Unit vectors of the notes."""
    return on_modal.array(extraction["note_vectors"])


def keywords_by_category(note_keywords: NoteKeywords, cleaned: pd.DataFrame) -> pd.DataFrame:
    """Keywords by category with the number of notes that have them and their mean score."""
    return keywords.by_category(note_keywords, list(cleaned["category"]))


def occurrences(cleaned: pd.DataFrame, note_keywords: NoteKeywords, ngrams: tuple, min_support: int) -> Occurrences:
    """Which note holds which word; phrases count when they are a keyword of some note and say more than their words,
    single words always."""
    chosen = {word for pairs in note_keywords.keywords for word, _ in pairs}
    held = [
        [term for term in terms if " " not in term or term in chosen]
        for terms in note_phrases(list(cleaned["processed_text"]), tuple(ngrams))
    ]
    return stats.without_repetition(stats.occurrences(held, min_support))


def keyword_statistics(
    occurrences: Occurrences, cleaned: pd.DataFrame, keywords_by_category: pd.DataFrame, min_support: int
) -> pd.DataFrame:
    """Every word tested in every category, with the KeyBERT score where it is a keyword there."""
    table = stats.discriminative(occurrences, list(cleaned["category"]), min_support=min_support)
    scores = keywords_by_category[["category", "keyword", "frequency", "score"]]
    return table.merge(scores, how="left", on=["category", "keyword"])


def held_out_check(occurrences: Occurrences, cleaned: pd.DataFrame, seed: int, min_support: int) -> pd.DataFrame:
    """What remains of keywords chosen on half of the notes when the other half is looked at."""
    return stats.held_out(occurrences, list(cleaned["category"]), seed, min_support)


def discriminative_keywords(keyword_statistics: pd.DataFrame) -> pd.DataFrame:
    """The words that tell a category from the others."""
    return keyword_statistics[keyword_statistics["discriminative"].astype(bool)].reset_index(drop=True)


def distinct_keywords(discriminative_keywords: pd.DataFrame) -> list[str]:
    """The discriminative keywords of all categories, each once, in alphabetical order."""
    return sorted(set(discriminative_keywords["keyword"]))


@config.when(extraction_on="here")
def word_vectors__here(distinct_keywords: list[str], model_name: str) -> np.ndarray:
    """Unit vectors of the discriminative keywords."""
    return load_embedding(model_name).encode(distinct_keywords)


@config.when(extraction_on="modal")
def word_vectors__modal(distinct_keywords: list[str], model_name: str, ask: Any) -> np.ndarray:
    """Unit vectors of the discriminative keywords."""
    return on_modal.call_modal_embedding(distinct_keywords, model_name=model_name, ask=ask)


def keyword_vectors(
    word_vectors: np.ndarray, distinct_keywords: list[str], occurrences: Occurrences, note_vectors: np.ndarray
) -> np.ndarray:
    """Unit vectors: what a keyword means beside what the notes that hold it are about."""
    if not distinct_keywords:
        return word_vectors
    place = {term: at for at, term in enumerate(occurrences.terms)}
    held = occurrences.matrix[:, [place[word] for word in distinct_keywords]]
    return keyword_clusters.with_context(word_vectors, held, note_vectors)


@config.when(clustering_on="modal")
def clustering(
    distinct_keywords: list[str],
    keyword_vectors: np.ndarray,
    seed: int,
    min_cluster_size: int | None,
    ask: Any,
) -> dict[str, Any]:
    """What Modal answers to the keyword vectors."""
    return on_modal.call_modal_keyword_clustering(
        {"": distinct_keywords},
        vectors=keyword_vectors,
        seed=seed,
        min_cluster_size=min_cluster_size or keyword_clusters.MIN_CLUSTER_SIZE,
        ask=ask,
    )


@config.when(clustering_on="here")
def clusters__here(keyword_vectors: np.ndarray, seed: int, min_cluster_size: int | None, report: Report) -> Clusters:
    """Groups of keywords; -1 where a keyword belongs to none."""
    return keyword_clusters.cluster(
        keyword_vectors,
        seed=seed,
        min_cluster_size=min_cluster_size or keyword_clusters.MIN_CLUSTER_SIZE,
        on_progress=lambda done, total: report("clusters", done, total),
    )


@config.when(clustering_on="modal")
def clusters__modal(clustering: dict[str, Any]) -> Clusters:
    """Groups of keywords; -1 where a keyword belongs to none."""
    table = clustering["keyword_cluster_data"]
    stability = {int(name): share for name, share in clustering["stability"].items()}
    return Clusters(
        np.array(table["cluster"], np.int64), np.array(table["probability"], float), stability, clustering["reason"]
    )


@config.when(clustering_on="here")
def layout_2d__here(keyword_vectors: np.ndarray, seed: int) -> np.ndarray:
    """Places of the keywords on a map, within -1 to 1."""
    return keyword_clusters.layout(keyword_vectors, seed=seed)


@config.when(clustering_on="modal")
def layout_2d__modal(clustering: dict[str, Any]) -> np.ndarray:
    """Places of the keywords on a map, within -1 to 1."""
    table = clustering["keyword_cluster_data"]
    return np.column_stack([np.array(table["x"], float), np.array(table["y"], float)])


def cluster_labels(
    clusters: Clusters, distinct_keywords: list[str], discriminative_keywords: pd.DataFrame
) -> dict[int, str]:
    """A few words for each cluster."""
    support = discriminative_keywords.groupby("keyword")["support_in"].sum()
    return keyword_clusters.cluster_labels(
        distinct_keywords, clusters.labels, [int(support[word]) for word in distinct_keywords]
    )


def keywords_table(keyword_statistics: pd.DataFrame) -> pd.DataFrame:
    """keywords.csv: category, keyword, support_in, support_out, z, q, discriminative."""
    return keyword_statistics[stats.COLUMNS]


def clusters_table(
    distinct_keywords: list[str], clusters: Clusters, cluster_labels: dict[int, str], layout_2d: np.ndarray
) -> pd.DataFrame:
    """clusters.csv: keyword, cluster, probability, label, x, y."""
    return keyword_clusters.clusters_table(distinct_keywords, clusters, cluster_labels, layout_2d)


def _file_of(path: Path) -> Path:
    if path.is_file():
        return path
    found: Sequence[Path] = sorted(file for file in path.glob("*") if file.suffix.lower() in SUFFIXES)
    named = [file for file in found if file.stem.lower() == "notes"]
    if not found:
        raise BadNotes(f"There are no notes in {path}: put one file there ({', '.join(SUFFIXES)}).")
    if len(found) > 1 and len(named) != 1:
        raise BadNotes(f"There are {len(found)} files in {path}: keep one, or name one of them notes.csv.")
    return named[0] if named else found[0]
