"""One labelling out of many: UMAP and HDBSCAN repeated with other seeds and settings, and the groups they agree on.

One UMAP is one throw of the dice. Two keywords are as close as the share of the labellings in which both are in the
same cluster (evidence accumulation: Fred and Jain 2005); average linkage joins them, and of several heights (CUTS) the
one is taken whose groups agree best with all labellings (Strehl and Ghosh 2002, by normalised mutual information).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
# UMAP's neighbours and how often each is drawn; the map is drawn with the first.
NEIGHBOURS = (15, 25)
DRAWS = 3
DIMENSIONS = 5
# HDBSCAN's settings: multiple of the smallest cluster asked for, neighbours that make a core. Chosen, as CUTS are, on
# keywords of 16 corpora of real text in known groups (docstrings, manual pages, package descriptions, licences).
SETTINGS = ((1.0, 3), (1.6, 5), (2.0, 5), (2.0, 10), (3.0, 5))
LARGEST_SHARE = 8
MIN_SAMPLES = 3
CUTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
# Beyond this many keywords a table of all pairs is too large for a small machine: the labelling that agrees best with
# the others is taken as it is.
MOST_PAIRED = 6000
RESAMPLES = 12
RESAMPLED_SHARE = 0.8

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Draw:
    """One labelling and how it came about.

    Attributes:
        reduced: float32 (keywords, DIMENSIONS).
        labels: int64, -1 for none.
    """

    reduced: NDArray[np.float32]
    size: int
    samples: int
    labels: Labels


def draws(
    vectors: NDArray[np.float32], seed: int, min_cluster_size: int, min_samples: int, on_progress: Progress | None
) -> list[Draw]:
    """Labellings of unit vectors (keywords, d) by other neighbours, seeds and sizes of the smallest cluster."""
    found = []
    settings = _settings(len(vectors), min_cluster_size, min_samples)
    for number in range(len(NEIGHBOURS) * DRAWS):
        neighbours, draw = NEIGHBOURS[number // DRAWS], number % DRAWS
        reduced = umap(vectors, DIMENSIONS, 0.0, seed + draw, neighbours)
        found += [Draw(reduced, size, samples, hdbscan(reduced, size, samples)) for size, samples in settings]
        if on_progress:
            on_progress(number + 1, len(NEIGHBOURS) * DRAWS + RESAMPLES)
    return found


def _settings(count: int, size: int, samples: int) -> list[tuple[int, int]]:
    """HDBSCAN settings to draw from: (smallest cluster, neighbours that make a core); groups no larger than an eighth
    of the keywords are asked for."""
    largest = max(count // LARGEST_SHARE, size)
    wanted = [(min(round(size * many), largest), max(core, samples)) for many, core in SETTINGS]
    return sorted(set(wanted))


def consensus(drawn: Sequence[Draw], smallest: int) -> tuple[Labels, NDArray[np.float64]]:
    """The groups all draws agree on, and each keyword's membership: the mean share of the draws that put it together
    with the others of its group. Groups smaller than `smallest` are none (-1, membership 0)."""
    labellings = [labelling.labels for labelling in drawn]
    if len(labellings[0]) > MOST_PAIRED:
        labels = labellings[_agrees_best(labellings, labellings)]
        return labels, _membership(labels, labellings)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = squareform(1 - _together(labellings), checks=False)
    tree = linkage(apart, "average")
    cuts = [_without_small(fcluster(tree, height, "distance"), smallest) for height in CUTS]
    labels = cuts[_agrees_best(cuts, labellings)]
    return labels, _membership(labels, labellings)


def stability(labels: Labels, drawn: Sequence[Draw], seed: int, on_progress: Progress | None) -> dict[int, float]:
    """By cluster: of its pairs of keywords drawn into a resample, the share that is together again there.

    RESAMPLES times, RESAMPLED_SHARE of the keywords without replacement (Ben-Hur, Elisseeff and Guyon 2002), each time
    as another draw places them.
    """
    random = np.random.default_rng(seed)
    together = dict.fromkeys(sorted(set(labels.tolist()) - {-1}), 0.0)
    pairs = dict.fromkeys(together, 0.0)
    step = max(len(drawn) // RESAMPLES, 1)
    for number in range(RESAMPLES):
        labelling = drawn[number * step % len(drawn)]
        kept = np.sort(random.choice(len(labels), int(RESAMPLED_SHARE * len(labels)), replace=False))
        again = hdbscan(labelling.reduced[kept], labelling.size, labelling.samples)
        for name in together:
            members = again[labels[kept] == name]
            pairs[name] += len(members) * (len(members) - 1) / 2
            sizes = np.unique(members[members >= 0], return_counts=True)[1]
            together[name] += float((sizes * (sizes - 1) / 2).sum())
        if on_progress:
            on_progress(len(NEIGHBOURS) * DRAWS + number + 1, len(NEIGHBOURS) * DRAWS + RESAMPLES)
    return {name: round(together[name] / pairs[name], 3) if pairs[name] else 0.0 for name in together}


def umap(
    vectors: NDArray[np.float32], dimensions: int, min_dist: float, seed: int, neighbours: int = NEIGHBOURS[0]
) -> NDArray[np.float32]:
    """Unit vectors (keywords, d) in few dimensions, float32."""
    from umap import UMAP

    _keep_machine_code()
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


@cache
def _keep_machine_code() -> None:
    """Keep UMAP's compiled functions on disk (umap-learn 0.5.12 does not): 11 s less in every process but the first."""
    from numba.core.dispatcher import Dispatcher

    for name in ("umap.umap_", "umap.layouts", "umap.utils"):
        for function in vars(sys.modules[name]).values():
            if isinstance(function, Dispatcher) and function.__module__ == name:
                function.enable_caching()


def hdbscan(reduced: NDArray[Any], min_cluster_size: int, min_samples: int) -> Labels:
    """Dense groups among points (keywords, dimensions); -1 for none."""
    from hdbscan import HDBSCAN

    model = HDBSCAN(
        min_cluster_size=min_cluster_size,
        min_samples=min_samples,
        cluster_selection_method="eom",
        core_dist_n_jobs=1,
    ).fit(np.asarray(reduced, np.float64))
    return np.asarray(model.labels_, np.int64)


def _together(labellings: Sequence[Labels]) -> NDArray[np.float64]:
    count = len(labellings[0])
    share = np.zeros((count, count))
    for labels in labellings:
        share += (labels[:, None] == labels[None]) & (labels[:, None] >= 0)
    share /= len(labellings)
    np.fill_diagonal(share, 1.0)
    return share


def _membership(labels: Labels, labellings: Sequence[Labels]) -> NDArray[np.float64]:
    found = np.zeros(len(labels))
    for name in set(labels.tolist()) - {-1}:
        members = np.flatnonzero(labels == name)
        share = _together([labels[members] for labels in labellings])
        found[members] = (share.sum(axis=1) - 1) / max(len(members) - 1, 1)
    return found


def _agrees_best(candidates: Sequence[Labels], labellings: Sequence[Labels]) -> int:
    """Which candidate agrees best with all labellings; the first of equals."""
    from sklearn.metrics import normalized_mutual_info_score

    agreement = [sum(normalized_mutual_info_score(labels, other) for other in labellings) for labels in candidates]
    return int(np.argmax(np.round(agreement, 9)))


def _without_small(labels: NDArray[Any], smallest: int) -> Labels:
    names, sizes = np.unique(labels, return_counts=True)
    small = names[sizes < smallest]
    return np.where(np.isin(labels, small), -1, labels).astype(np.int64)
