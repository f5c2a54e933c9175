"""Groups of keywords that mean or accompany the same: UMAP, then HDBSCAN, with labels and a measure of stability.

Vectors are brought to unit length. UMAP (McInnes, Healy and Melville 2018) reduces them to five dimensions, because
density in hundreds of dimensions is noise; HDBSCAN (Campello, Moulavi and Sander 2013) finds the dense groups. Keywords
that belong to none keep cluster -1: they are neither dropped nor forced into a group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from modal_backend.models.sentence_embedding import DEFAULT_MODEL, Vectors, load_embedding

VERSION = "2"
# UMAP's neighbours and how often each is drawn, for the choice among labellings; the map is drawn with the first.
NEIGHBOURS = (15, 25)
DRAWS = 3
DIMENSIONS = 5
# Chosen on keywords of texts in known groups (docstrings of Python and Perl packages, READMEs, licences): of words by
# their meaning alone small groups agree best with the groups, beside their notes larger ones do.
MIN_CLUSTER_SIZE = 5
MIN_SAMPLES = 3
CONTEXT_CLUSTER_SIZE = 15
CONTEXT_MIN_SAMPLES = 5
CONTEXT_WEIGHT = 1.0
RESAMPLES = 10
RESAMPLED_SHARE = 0.8
LABEL_WORDS = 3
# UMAP's spectral start needs more points than dimensions, and HDBSCAN at least two possible groups.
FEWEST = 2 * MIN_CLUSTER_SIZE + 2
CLUSTER_COLUMNS = ["keyword", "cluster", "probability", "label", "x", "y"]

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Clusters:
    """labels: int64 (keywords,), -1 for none; probability: float64 (keywords,), strength of membership, 0 for none;
    stability: by cluster, the share of its pairs of keywords that stay together when a fifth of the keywords is left
    out; reason: why nothing was clustered, empty otherwise."""

    labels: Labels
    probability: NDArray[np.float64]
    stability: dict[int, float]
    reason: str = ""


def with_context(vectors: Vectors, notes_with: Any, note_vectors: Vectors, weight: float = CONTEXT_WEIGHT) -> Vectors:
    """Keyword vectors beside the mean of the notes that hold each keyword, unit length.

    vectors: (keywords, d); notes_with: sparse (notes, keywords), 1 where a note holds a keyword; note_vectors:
    (notes, d). The mean of all notes is taken out, so that what is left is what sets a keyword's notes apart. No
    category is used.
    """
    held = np.maximum(np.asarray(notes_with.sum(axis=0)).ravel(), 1)[:, None]
    context = (notes_with.T @ note_vectors) / held - note_vectors.mean(axis=0)
    return unit(np.hstack([unit(vectors), weight * unit(context.astype(np.float32))]))


def unit(vectors: NDArray[Any]) -> Vectors:
    """Rows brought to length one; a row of zeros stays."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)


def cluster(
    vectors: Vectors,
    *,
    seed: int = 0,
    min_cluster_size: int = MIN_CLUSTER_SIZE,
    min_samples: int = MIN_SAMPLES,
    on_progress: Callable[[int, int], None] | None = None,
) -> Clusters:
    """Groups among unit vectors (keywords, d). The same seed gives the same groups.

    One UMAP is one throw of the dice: of several labellings (NEIGHBOURS, DRAWS, HDBSCAN settings about the ones asked
    for) the one is kept that agrees best with all others (the medoid by normalised mutual information; cluster
    ensembles: Strehl and Ghosh 2002).
    """
    count = len(vectors)
    if count < FEWEST:
        reason = f"{count} keywords are too few to form groups; {FEWEST} are needed."
        return Clusters(np.full(count, -1, np.int64), np.zeros(count), {}, reason)
    drawn = []
    for neighbours in NEIGHBOURS:
        for draw in range(DRAWS):
            reduced = _umap(vectors, DIMENSIONS, 0.0, seed + draw, neighbours)
            for size, samples in _settings(min_cluster_size, min_samples):
                drawn.append((reduced, size, samples, *_hdbscan(reduced, size, samples)))
    reduced, min_cluster_size, min_samples, labels, probability = drawn[_medoid([one[3] for one in drawn])]
    labels = _by_size(labels)
    stable = stability(reduced, labels, seed, min_cluster_size, min_samples, on_progress)
    return Clusters(labels, probability, stable)


def _settings(size: int, samples: int) -> list[tuple[int, int]]:
    """HDBSCAN settings to draw from, (smallest cluster, neighbours that make a core): as asked for and close."""
    smaller = max(2 * size // 3, 2)
    return [(size, samples), (size, min(MIN_SAMPLES, samples)), (smaller, smaller)]


def _medoid(labellings: Sequence[Labels]) -> int:
    """Which labelling agrees best with all others; the first of equals."""
    from sklearn.metrics import normalized_mutual_info_score

    agreement = [sum(normalized_mutual_info_score(one, other) for other in labellings) for one in labellings]
    return int(np.argmax(np.round(agreement, 9)))


def usual_size(count: int) -> int:
    """How many of `count` keywords beside their notes make a cluster when nobody says."""
    return min(max(count // 8, MIN_CLUSTER_SIZE), CONTEXT_CLUSTER_SIZE)


def layout(vectors: Vectors, *, seed: int = 0) -> NDArray[np.float64]:
    """Places on a map, float64 (keywords, 2), within -1 to 1; UMAP, or principal components when there are few."""
    count = len(vectors)
    if count == 0:
        return np.zeros((0, 2))
    flat = _umap(vectors, 2, 0.1, seed) if count >= FEWEST else _principal(vectors)
    middle = (flat.max(axis=0) + flat.min(axis=0)) / 2
    reach = np.abs(flat - middle).max() or 1.0
    return np.round((flat - middle) / reach, 4)


def stability(
    reduced: NDArray[Any],
    labels: Labels,
    seed: int,
    min_cluster_size: int,
    min_samples: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[int, float]:
    """By cluster: of its pairs of keywords drawn into a resample, the share that is together again there.

    RESAMPLES times, RESAMPLED_SHARE of the keywords without replacement (Ben-Hur, Elisseeff and Guyon 2002), on the
    same reduced vectors.
    """
    random = np.random.default_rng(seed)
    together = dict.fromkeys(sorted(set(labels.tolist()) - {-1}), 0.0)
    pairs = dict.fromkeys(together, 0.0)
    for number in range(RESAMPLES):
        drawn = np.sort(random.choice(len(labels), int(RESAMPLED_SHARE * len(labels)), replace=False))
        again, _ = _hdbscan(reduced[drawn], min_cluster_size, min_samples)
        for name in together:
            members = again[labels[drawn] == name]
            pairs[name] += len(members) * (len(members) - 1) / 2
            sizes = np.unique(members[members >= 0], return_counts=True)[1]
            together[name] += float((sizes * (sizes - 1) / 2).sum())
        if on_progress:
            on_progress(number + 1, RESAMPLES)
    return {name: round(together[name] / pairs[name], 3) if pairs[name] else 0.0 for name in together}


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
    told = {}
    for name in names:
        inside = sum(counts[name].values())
        weight = {word: count / inside * np.log1p(average / total[word]) for word, count in counts[name].items()}
        told[name] = ", ".join(sorted(weight, key=lambda word: (-weight[word], word))[:LABEL_WORDS])
    return told


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

    discriminative_keywords: {category: [keyword, ...]}, or a table with `category` and `keyword` (and `support_in`).
    vectors: one row a distinct keyword in alphabetical order, else they are embedded with `model_name`. Returns plain
    values: "keyword_cluster_data" (lists under CLUSTER_COLUMNS, one entry a distinct keyword), "category_clusters"
    ({category: {cluster: keywords}}), "stability" ({cluster: share}), "reason". Raises BackendMisconfigured or
    WeightsMissing when the vectors cannot be made.
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
    """(category, keyword, notes) of each entry; notes is 1 where no support is told."""
    if isinstance(discriminative_keywords, pd.DataFrame):
        table = discriminative_keywords
        support = table["support_in"] if "support_in" in table else [1] * len(table)
        return [(str(a), str(b), int(c)) for a, b, c in zip(table["category"], table["keyword"], support, strict=True)]
    return [
        (str(category), str(one[0] if isinstance(one, list | tuple) else one), 1)
        for category, keywords in discriminative_keywords.items()
        for one in keywords
    ]


def _umap(
    vectors: Vectors, dimensions: int, min_dist: float, seed: int, neighbours: int = NEIGHBOURS[0]
) -> NDArray[np.float32]:
    import warnings

    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # UMAP says at every call that a seed means one thread
        reducer = UMAP(
            n_neighbors=min(neighbours, len(vectors) - 1),
            n_components=dimensions,
            min_dist=min_dist,
            metric="cosine",
            init="spectral" if len(vectors) > 4 * dimensions else "random",
            random_state=seed,
            n_jobs=1,
        )
        reduced: NDArray[np.float32] = reducer.fit_transform(vectors)
    return reduced


def _hdbscan(reduced: NDArray[Any], min_cluster_size: int, min_samples: int) -> tuple[Labels, NDArray[np.float64]]:
    from hdbscan import HDBSCAN

    model = HDBSCAN(
        min_cluster_size=min_cluster_size,
        min_samples=min_samples,
        cluster_selection_method="eom",
        core_dist_n_jobs=1,
    ).fit(np.asarray(reduced, np.float64))
    return model.labels_.astype(np.int64), model.probabilities_.astype(np.float64)


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
