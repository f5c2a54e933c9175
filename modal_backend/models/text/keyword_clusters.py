"""Groups of keywords that mean or accompany the same: UMAP, then HDBSCAN, with labels and a measure of stability.

Vectors are brought to unit length. UMAP (McInnes, Healy and Melville 2018) reduces them to five dimensions, because
density in hundreds of dimensions is noise; HDBSCAN (Campello, Moulavi and Sander 2013) finds the dense groups. That is
done many times, and what the results agree on is kept (keyword_consensus.py). Keywords that belong to no group keep
cluster -1: they are neither dropped nor forced into one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from modal_backend.models.text.keyword_consensus import MIN_SAMPLES, Labels, consensus, draws, stability, umap
from modal_backend.models.text.sentence_embedding import DEFAULT_MODEL, Vectors, load_embedding

VERSION = "3"
MIN_CLUSTER_SIZE = 5
CONTEXT_WEIGHT = 1.0
LABEL_WORDS = 3
UNIT_WITHIN = 1e-6
# UMAP's spectral start needs more points than dimensions, and HDBSCAN at least two possible groups.
FEWEST = 2 * MIN_CLUSTER_SIZE + 2
CLUSTER_COLUMNS = ["keyword", "cluster", "probability", "label", "x", "y"]


@dataclass(frozen=True)
class Clusters:
    """Groups of keywords.

    Attributes:
        labels: int64 (keywords,), -1 for none.
        probability: float64 (keywords,), how often a keyword is found together with the others of its cluster, 0 for
            none.
        stability: by cluster, the share of its pairs of keywords that stay together when a fifth of the keywords is
            left out.
        reason: why nothing was clustered, empty otherwise.
    """

    labels: Labels
    probability: NDArray[np.float64]
    stability: dict[int, float]
    reason: str = ""


def with_context(vectors: Vectors, notes_with: Any, note_vectors: Vectors, weight: float = CONTEXT_WEIGHT) -> Vectors:
    """Keyword vectors beside the mean of the notes that hold each keyword, unit length.

    The mean of all notes is taken out, so that what is left is what sets a keyword's notes apart. No category is used.

    Args:
        vectors: (keywords, d).
        notes_with: sparse (notes, keywords), 1 where a note holds a keyword.
        note_vectors: (notes, d).
    """
    held = np.maximum(np.asarray(notes_with.sum(axis=0)).ravel(), 1)[:, None]
    context = (notes_with.T @ note_vectors) / held - note_vectors.mean(axis=0)
    return unit(np.hstack([unit(vectors), weight * unit(context.astype(np.float32))]))


def unit(vectors: NDArray[Any]) -> Vectors:
    """Rows brought to length one; a row of zeros stays, and so does every bit of a row that has that length already.

    UMAP turns the last bit into another place on the map, and vectors come here again on their way to Modal.
    """
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    lengths[np.abs(lengths - 1) < UNIT_WITHIN] = 1
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)


def cluster(
    vectors: Vectors,
    *,
    seed: int = 0,
    min_cluster_size: int = MIN_CLUSTER_SIZE,
    min_samples: int = MIN_SAMPLES,
    on_progress: Callable[[int, int], None] | None = None,
) -> Clusters:
    """Groups of at least `min_cluster_size` among unit vectors (keywords, d). The same seed gives the same groups."""
    count = len(vectors)
    if count < FEWEST:
        reason = f"{count} keywords are too few to form groups; {FEWEST} are needed."
        return Clusters(np.full(count, -1, np.int64), np.zeros(count), {}, reason)
    drawn = draws(vectors, seed, min_cluster_size, min_samples, on_progress)
    labels, probability = consensus(drawn, min_cluster_size)
    labels = _by_size(labels)
    return Clusters(labels, probability, stability(labels, drawn, seed, on_progress))


def layout(vectors: Vectors, *, seed: int = 0) -> NDArray[np.float64]:
    """Places on a map, float64 (keywords, 2), within -1 to 1; UMAP, or principal components when there are few."""
    count = len(vectors)
    if count == 0:
        return np.zeros((0, 2))
    flat = umap(vectors, 2, 0.1, seed) if count >= FEWEST else _principal(vectors)
    middle = (flat.max(axis=0) + flat.min(axis=0)) / 2
    reach = np.abs(flat - middle).max() or 1.0
    return np.round((flat - middle) / reach, 4)


def cluster_labels(keywords: Sequence[str], labels: Labels, support: Sequence[int]) -> dict[int, str]:
    """A few words for each cluster by class-based TF-IDF (Grootendorst 2022): words of its keywords, weighted by the
    notes that hold them, against all clusters."""
    names = sorted(set(labels.tolist()) - {-1})
    counts: dict[int, dict[str, float]] = {name: {} for name in names}
    total: dict[str, float] = {}
    for keyword, name, notes in zip(keywords, labels.tolist(), support, strict=True):
        for word in set(keyword.split()):
            total[word] = total.get(word, 0.0) + notes
            if name >= 0:
                counts[name][word] = counts[name].get(word, 0.0) + notes
    average = sum(total.values()) / max(len(names), 1)
    labels_of = {}
    for name in names:
        inside = sum(counts[name].values())
        weight = {word: count / inside * np.log1p(average / total[word]) for word, count in counts[name].items()}
        labels_of[name] = ", ".join(sorted(weight, key=lambda word: (-weight[word], word))[:LABEL_WORDS])
    return labels_of


def run_keyword_clustering(
    discriminative_keywords: Any,
    *,
    model_name: str = DEFAULT_MODEL,
    seed: int = 0,
    min_cluster_size: int = MIN_CLUSTER_SIZE,
    min_samples: int = MIN_SAMPLES,
    vectors: Vectors | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Cluster the discriminative keywords of all categories together.

    Args:
        discriminative_keywords: {category: [keyword, ...]}, or a table with `category` and `keyword` (and
            `support_in`).
        vectors: one row a distinct keyword in alphabetical order, else they are embedded with `model_name`.

    Returns:
        Plain values: "keyword_cluster_data" (lists under CLUSTER_COLUMNS, one entry a distinct keyword),
        "category_clusters" ({category: {cluster: keywords}}), "stability" ({cluster: share}), "reason".

    Raises:
        BackendMisconfigured, WeightsMissing: the vectors cannot be made.
    """
    pairs = keyword_pairs(discriminative_keywords)
    support: dict[str, int] = {}
    for _, keyword, notes in pairs:
        support[keyword] = support.get(keyword, 0) + notes
    keywords = sorted(support)
    if vectors is None:
        vectors = load_embedding(model_name).encode(keywords)
    vectors = unit(vectors)
    found = cluster(
        vectors, seed=seed, min_cluster_size=min_cluster_size, min_samples=min_samples, on_progress=on_progress
    )
    words = cluster_labels(keywords, found.labels, [support[keyword] for keyword in keywords])
    table = clusters_table(keywords, found, words, layout(vectors, seed=seed))
    counted: dict[str, dict[str, int]] = {}
    place = dict(zip(keywords, found.labels.tolist(), strict=True))
    for category, keyword, _ in pairs:
        row = counted.setdefault(category, {})
        row[str(place[keyword])] = row.get(str(place[keyword]), 0) + 1
    return {
        "keyword_cluster_data": table.to_dict("list"),
        "category_clusters": counted,
        "stability": {str(name): share for name, share in found.stability.items()},
        "reason": found.reason,
    }


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What a call asks for: {"discriminative_keywords", "vectors" or None} and further arguments of
    run_keyword_clustering."""
    options = dict(request)
    packed = options.pop("vectors", None)
    if packed is not None:
        options["vectors"] = np.frombuffer(packed["float32"], np.float32).reshape(packed["shape"])
    return run_keyword_clustering(options.pop("discriminative_keywords"), **options)


def clusters_table(
    keywords: Sequence[str], found: Clusters, words: dict[int, str], places: NDArray[np.float64]
) -> pd.DataFrame:
    """CLUSTER_COLUMNS, one row a keyword, in the order given."""
    labels = found.labels.tolist()
    return pd.DataFrame(
        {
            "keyword": list(keywords),
            "cluster": labels,
            "probability": found.probability.round(4).tolist(),
            "label": [words.get(name, "") for name in labels],
            "x": places[:, 0].tolist(),
            "y": places[:, 1].tolist(),
        }
    )[CLUSTER_COLUMNS]


def keyword_pairs(discriminative_keywords: Any) -> list[tuple[str, str, int]]:
    """(category, keyword, notes) of each entry; notes is 1 where no support is labels_of."""
    if isinstance(discriminative_keywords, pd.DataFrame):
        table = discriminative_keywords
        support = table["support_in"] if "support_in" in table else [1] * len(table)
        return [(str(a), str(b), int(c)) for a, b, c in zip(table["category"], table["keyword"], support, strict=True)]
    return [
        (str(category), str(word[0] if isinstance(word, list | tuple) else word), 1)
        for category, keywords in discriminative_keywords.items()
        for word in keywords
    ]


def _by_size(labels: Labels) -> Labels:
    """Clusters numbered from 0, the largest first."""
    names, sizes = np.unique(labels[labels >= 0], return_counts=True)
    order = {int(name): at for at, name in enumerate(names[np.argsort(-sizes, kind="stable")])}
    return np.array([order.get(int(name), -1) for name in labels], np.int64)


def _principal(vectors: Vectors) -> NDArray[np.float64]:
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    flat = np.zeros((len(vectors), 2))
    kept = min(2, len(sizes))
    flat[:, :kept] = left[:, :kept] * sizes[:kept]
    signs = np.sign(flat[np.abs(flat).argmax(axis=0), [0, 1]])
    return flat * np.where(signs == 0, 1, signs)
