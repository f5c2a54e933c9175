"""Queries that wait together, as they do in a survey: those of a query's event that show its animal vote with it, and
what others that look like it resemble counts for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.matching.candidates import Group
from app.matching.matched import MATES, best_scores, pairs_of, voters
from modal_backend.models.matcher.matched import Matched
from modal_backend.models.probability.calibration import fuse, start
from modal_backend.models.probability.look_alikes import NEAREST, with_look_alikes

if TYPE_CHECKING:
    from app.evaluation.described import Described, Row
    from app.evaluation.rankers import Named

Floats = NDArray[np.float64]


def mates(queries: Sequence[int], events: NDArray[np.int64]) -> dict[int, list[int]]:
    """By query, the first MATES others of its event; a survey takes those of the best quality.

    Args:
        queries: rows.
        events: of each row.
    """
    return {
        row: [other for other in queries if other != row and events[other] == events[row]][:MATES] for row in queries
    }


def with_mates(
    matched: Matched, query: int, mates: Sequence[int], crops: Sequence[Group], own: Mapping[int, float]
) -> dict[int, float]:
    """The matcher's scores of a query by row, with the votes of those mates that show its animal.

    Args:
        crops: those that it looks at, best first.
        own: its scores of these.
    """
    alike = {(query, mate): value for mate, value in matched.pairs(query, mates).items()}
    voting = voters(query, alike, start("xfeat"))
    if not voting:
        return dict(own)
    pairs = [pair for mine in pairs_of(query, voting, crops).values() for pair in mine]
    return best_scores({query, *voting}, pairs, {pair: matched.pair(*pair) for pair in pairs})


def counted(
    own: Sequence[tuple[list[str], Floats, Floats]],
    matched: Sequence[Named],
    alike: Sequence[tuple[list[int], Floats]],
) -> list[Named]:
    """Rankings of the queries with the votes of those that look like them, best first.

    Args:
        own: of each query, the names, their log-odds, and the fused scores.
        matched: of each query, the matcher's scores of those it has compared it with.
        alike: of each query, the places of those that look like it, and the log-odds that they show its animal.
    """
    matcher, rankings = start("xfeat"), []
    for (names, odds, scores), (places, near) in zip(own, alike, strict=True):
        compared = [dict(matched[place]) for place in places]
        voting = [place for place, of in enumerate(compared) if len(of) > 1]
        if voting and names:
            theirs = matcher.log_odds([[compared[place].get(name, np.nan) for name in names] for place in voting])
            scores = with_look_alikes(scores, float(odds.max()), near[voting], theirs)
        rankings.append([(names[place], float(scores[place])) for place in np.argsort(-scores, kind="stable")])
    return rankings


def look_alikes(
    parts: Sequence[str],
    rows: Sequence[Row],
    described: Described,
    gallery: Sequence[int],
    queries: Sequence[int],
    events: NDArray[np.int64],
) -> list[tuple[list[int], Floats]]:
    """Of each query, the places of the other events' queries nearest to it, and the log-odds that they show its animal.

    Args:
        parts: RAPID's profile, the embedding and the matcher.
        gallery, queries: rows.
        events: of each row.
    """
    local, vectors = parts[0], np.stack([described.vectors[row] for row in queries])
    votes = _votes(local, rows, described, gallery, queries)
    curves = {part: start(part) for part in parts}
    weights = {part: curve.weight for part, curve in curves.items()}
    found = []
    for place, query in enumerate(queries):
        score = votes[place]
        odds = {
            local: curves[local].log_odds([score.get(row, 0.0) for row in queries]),
            parts[1]: curves[parts[1]].log_odds(vectors @ vectors[place]),
        }
        first = np.where(events[list(queries)] == events[query], -np.inf, fuse(odds, weights))
        places = [int(other) for other in np.argsort(-first, kind="stable")[:NEAREST] if np.isfinite(first[other])]
        pairs = described.matched.pairs(query, [queries[other] for other in places])
        matcher = curves["xfeat"].log_odds([pairs[queries[other]] for other in places])
        found.append((places, fuse({part: odds[part][places] for part in odds} | {"xfeat": matcher}, weights)))
    return found


def _votes(
    local: str, rows: Sequence[Row], described: Described, gallery: Sequence[int], queries: Sequence[int]
) -> list[Mapping[int, float]]:
    """RAPID's scores of each query with the others, by row, as undecided crops of one gallery with the named."""
    from modal_backend.models.rapid.gallery import STARTS, RapidGallery

    index = RapidGallery(start=STARTS[local], fixed=True)
    for row in gallery:
        index.add(row, described.local[row], rows[row]["identity"])
    for row in queries:
        index.add(row, described.local[row], None)
    every = len(gallery) + len(queries)
    return [
        {
            candidate.crop_id: candidate.score
            for candidate in index.rank(described.local[row], exclude={row}, top=every).candidates
        }
        for row in queries
    ]
