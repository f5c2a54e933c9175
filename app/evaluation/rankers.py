"""Rank labelled crops by one model, or by several fused with the start values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.evaluation import together
from app.evaluation.described import Described, Row
from app.evaluation.splits import Split
from app.matching.candidates import Group, in_order, listed, mean_odds
from app.matching.embedding_gallery import LEADERS
from modal_backend.models.matcher.ranking import LIKEST_OF, by_chance, cues_of, rank_by_matches
from modal_backend.models.matcher.ranking import START as KNOWN
from modal_backend.models.probability.calibration import PARTS, fuse, stand_out, start
from modal_backend.registry import LOCAL

if TYPE_CHECKING:
    from modal_backend.models.rapid.ranking import Ranking

MODELS = ("rapid", "rapid-448", "pocket-embedding", "xfeat", *PARTS)

Named = list[tuple[str, float]]


def rank(
    model: str,
    rows: Sequence[Row],
    described: Described,
    split: Split,
    events: NDArray[np.int64] | None = None,
    *,
    wait_together: bool = False,
) -> list[tuple[Named, float | None]]:
    """Of every query of the split: identities with scores, best first, and the probability that it is known.

    Args:
        events: of each row; None: each is one of its own. For a fusion with the matcher, see `by_chance`.
        wait_together: the queries wait undecided in one survey: those of the query's event that show its animal by the
            matcher vote with it, those of other events that look like it count for it, see
            `modal_backend.models.probability.look_alikes`; for a fusion with the matcher.
    """
    parts = PARTS.get(model, (model,))
    gallery = [row for row in split.gallery if described.has(row)]
    moments = np.arange(len(rows)) if events is None else events
    mates = together.mates(split.queries, moments) if wait_together else {}
    found, usual, compared = _answers(parts, rows, described, gallery, split.queries, moments, mates)
    if len(found) == 1:
        return found[0]
    every = list(zip(*found, strict=True))
    fused = [_fused(dict(zip(parts, answers, strict=True)), mine) for answers, mine in zip(every, usual, strict=True)]
    known = [mean_odds([value for _, value in answers if value is not None]) for answers in every]
    if not wait_together or not split.queries:
        rankings = [_best_first(names, scores) for names, _, scores in fused]
    else:
        alike = together.look_alikes(parts, rows, described, gallery, split.queries, moments)
        rankings = together.counted(fused, compared, alike)
    return list(zip(rankings, known, strict=True))


def _answers(
    parts: Sequence[str],
    rows: Sequence[Row],
    described: Described,
    gallery: list[int],
    queries: list[int],
    events: NDArray[np.int64],
    mates: Mapping[int, Sequence[int]],
) -> tuple[list[list[tuple[Named, float | None]]], list[dict[str, dict[str, float]]], list[Named]]:
    """Of every model, what it answers to each query; of every query, by model and name, what `_fused` takes off, and
    whom the matcher itself compared with it.

    mates: by query, those that may vote with it.
    """
    found: list[list[tuple[Named, float | None]]] = []
    usual: list[dict[str, dict[str, float]]] = [{} for _ in queries]
    voted: list[dict[int, float]] = [{} for _ in queries]
    compared: list[Named] = []
    for part in parts:
        if part.startswith("rapid"):
            votes, mine = _votes(part, rows, described, gallery, queries)
            usual = [{**of, part: mine} for of in usual]
            voted = [{candidate.crop_id: candidate.score for candidate in ranking.candidates} for ranking in votes]
            found.append([_named(ranking) for ranking in votes])
        elif part == "xfeat":
            names = {row: rows[row]["identity"] for row in gallery}
            ask = described.matched
            if len(parts) == 1:
                looks = [ask.scores(row, gallery) for row in queries]
            else:
                asked = zip(queries, voted, usual, strict=True)
                crops = [_first(described, names, row, scores, of) for row, scores, of in asked]
                own = [ask.pairs(row, [crop.crop_id for crop in of]) for row, of in zip(queries, crops, strict=True)]
                compared = [rank_by_matches(scores, names) for scores in own]
                each = zip(queries, crops, own, strict=True)
                looks = [together.with_mates(ask, row, mates.get(row, ()), of, scores) for row, of, scores in each]
            usual = [{**of, part: _by_chance(scores, names, events)} for of, scores in zip(usual, looks, strict=True)]
            found.append([_by_matches(scores, names) for scores in looks])
        else:
            found.append(_by_cosine(rows, described, gallery, queries))
            mine = _usual_cosines(part, rows, described, gallery)
            usual = [{**of, part: mine} for of in usual]
    return found, usual, compared


def _first(
    described: Described,
    names: Mapping[int, str],
    query: int,
    voted: Mapping[int, float],
    usual: Mapping[str, Mapping[str, float]],
) -> list[Group]:
    """The crops that the matcher looks at, by their rows, chosen as in a survey.

    Args:
        names: of the gallery, by row.
        query: its row.
        voted: RAPID's scores, by row.
        usual: of RAPID's profile and the embedding, see `_fused`.
    """
    local, embedding = usual
    crops = [
        Group(
            name,
            row,
            {local: voted.get(row, 0.0), embedding: float(described.vectors[row] @ described.vectors[query])},
            usual={model: usual[model].get(name, 0.0) for model in usual},
        )
        for row, name in names.items()
    ]
    ordered = in_order(crops, [local, embedding], {model: start(model) for model in usual})
    first = [crop.crop_id for crop in ordered[:LIKEST_OF]]
    return listed(ordered, described.matched.likest(query, first))


def _votes(
    model: str, rows: Sequence[Row], described: Described, gallery: list[int], queries: list[int]
) -> tuple[list[Ranking], dict[str, float]]:
    from modal_backend.models.rapid.gallery import STARTS, RapidGallery

    index = RapidGallery(start=STARTS[model])
    for row in gallery:
        index.add(row, described.local[row], rows[row]["identity"])
    return [index.rank(described.local[row], top=10 * LEADERS) for row in queries], index.usual


def _named(ranking: Ranking) -> tuple[Named, float | None]:
    return [(rank.identity, rank.score) for rank in ranking.identities], ranking.known_probability


def _by_matches(scores: Mapping[int, float], names: Mapping[int, str]) -> tuple[Named, float | None]:
    ranking = rank_by_matches(scores, names)
    cues = cues_of(ranking)
    return ranking, None if cues is None else KNOWN.probability(cues)


def _by_chance(scores: Mapping[int, float], names: Mapping[int, str], events: NDArray[np.int64]) -> dict[str, float]:
    """`by_chance` of every name among the rows that were looked at."""
    of: dict[str, dict[int, float]] = {}
    for row, score in scores.items():
        of.setdefault(names[row], {})[row] = score
    return {name: by_chance(mine, {row: int(events[row]) for row in mine}) for name, mine in of.items()}


def _by_cosine(
    rows: Sequence[Row], described: Described, gallery: list[int], queries: list[int]
) -> list[tuple[Named, float | None]]:
    from modal_backend.models.embeddings.pocket_embedding import DIMENSION
    from modal_backend.models.probability.cosine_ranking import cues_of, known_curve, rank_by_cosine

    vectors = np.stack([described.vectors[row] for row in gallery]) if gallery else np.zeros((0, DIMENSION), np.float32)
    identities = [rows[row]["identity"] for row in gallery]
    curve = known_curve(vectors, identities)
    answers: list[tuple[Named, float | None]] = []
    for row in queries:
        ranking = rank_by_cosine(described.vectors[row], vectors, identities)
        cues = cues_of(ranking)
        answers.append((ranking, None if cues is None else curve.probability(cues)))
    return answers


def _usual_cosines(model: str, rows: Sequence[Row], described: Described, gallery: list[int]) -> dict[str, float]:
    from modal_backend.models.probability.usual import usual_cosines

    vectors = np.array([described.vectors[row] for row in gallery])
    return usual_cosines(model, vectors, [rows[row]["identity"] for row in gallery]) if gallery else {}


def _fused(
    answers: Mapping[str, tuple[Named, float | None]], usual: Mapping[str, Mapping[str, float]]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """The names, the mean of their calibrated log-odds, and their fused scores; one that RAPID gave no vote has its
    lowest score there, one at which the matcher has not looked is left to the others.

    usual: by model and name, see `modal_backend.models.probability.usual` and, of the matcher, `by_chance`.
    """
    names = sorted({name for ranking, _ in answers.values() for name, _ in ranking})
    odds = {}
    curves = {model: start(model) for model in answers}
    for model, (ranking, _) in answers.items():
        score = dict(ranking)
        mine = usual.get(model, {})
        nothing = 0.0 if model.startswith(LOCAL) else np.nan
        odds[model] = curves[model].log_odds(
            [score.get(name, nothing) for name in names], [mine.get(name, 0.0) for name in names]
        )
    fused = fuse(odds, {model: curve.weight for model, curve in curves.items()})
    return names, fused, stand_out(fused, np.ones(len(fused), bool))


def _best_first(names: Sequence[str], scores: NDArray[np.float64]) -> Named:
    return [(names[place], float(scores[place])) for place in np.argsort(-scores, kind="stable")]
