"""How often the shortlist of large surveys still holds the individual that RAPID would have put first on all crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from app.evaluation.described import Described
from app.evaluation.rankers import rank
from app.evaluation.splits import Split
from app.matching.gallery import FULL
from app.matching.shortlist import LONG, shortlist

SHARE = LONG / FULL


def shortlist_recall(rows: Sequence[Mapping[str, str]], described: Described, split: Split) -> float:
    """Share of the queries whose first identity by RAPID on the whole gallery is in a shortlist of SHARE of its crops.

    SHARE is what a shortlist holds of the smallest survey that has one.

    Args:
        described: by RAPID and the pocket embedding.
    """
    vectors = np.stack([described.vectors[row] for row in split.gallery])
    names = sorted({rows[row]["identity"] for row in split.gallery})
    who = np.array([names.index(rows[row]["identity"]) for row in split.gallery])
    length = max(1, round(SHARE * len(split.gallery)))
    found = []
    for query, (ranking, _) in zip(split.queries, rank("rapid", rows, described, split), strict=True):
        if not ranking:
            continue
        chosen = shortlist(vectors @ described.vectors[query], np.ones(len(who), bool), who, length)
        found.append(ranking[0][0] in {names[number] for number in who[chosen]})
    return float(np.mean(found)) if found else 1.0
