"""Whom a query resembles by the matcher, and whether its animal is among the named at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from modal_backend.contracts import PairMatches
from modal_backend.models.probability.open_set import Curve

# Crops that LighterGlue looks at for a query: nearly two seconds of one core. For 154 queries of 36 cows on other
# days 30 instead of 12, chosen by `likeness` and RAPID 448, win two first places (.799, .812; 384 points a crop).
LISTED = 30
# Crops that the other models put first among which the likest by `likeness` have every second place. First place and
# among the first five of the fusion with RAPID 448 (no more pairs): tigers by event (five draws, ten others) .808 and
# .900, .799 and .937, cows' last two days .766 and .974; the other models' order alone .795 and .900, .789 and .944,
# .753 and .948; each individual's best crop before anybody's second .781 and .900, .780 and .942, .766 and .942.
# All with 512 points a crop. Among 60 instead of 100: .808, .799, .760; among 240: .802, .799, .779.
LIKEST_OF = 100
# First place of 148 and 355 queries of tigers by event and of 154 of cows on other days, each half of the animals by a
# curve of the matcher fitted to the other half: .784, .794 and .818 with .45; .804, .797 and .818 with .6; .804, .814
# and .831 with .75; .791, .814 and .818 with .9. Over all crops of an animal, whatever their event, .3 cost cows .05
# (512 points a crop).
BY_CHANCE = 0.7
# Fitted to the same tigers and cows as the start values of the calibration, with 512 points a crop, and carried over to
# the scores of larger crops. 154 queries of 36 cows on other days, a fifth of the cows unknown, five draws: AUROC .850,
# 62 % of the known accepted, 97 % refused (.852, 61 and 91 % before); tigers by event, 15 draws: .80, 73 and 72 %.
START = Curve(weights=(0.905, 1.168), bias=-5.4)


def score(matches: PairMatches) -> float:
    """How well a pair matches, 0 and up: the confidences of all matches, and once more of those that lie as one plane.

    154 queries of 36 cows on other days, first place: .799 by the first sum alone, .812 by both (384 points).
    """
    return float(matches.confidence.sum() + matches.confidence[matches.consistent].sum())


def shortlist(*orders: Sequence[int], length: int = LISTED) -> list[int]:
    """The first crops of several orders in turn, best first each, no crop twice.

    Args:
        orders: crop ids, best first.
        length: at most so many.
    """
    turns = [order[place] for place in range(length) for order in orders if place < len(order)]
    return list(dict.fromkeys(turns))[:length]


def rank_by_matches(scores: Mapping[int, float], identities: Mapping[int, str]) -> list[tuple[str, float]]:
    """Identities, best first, each as good as its best crop; scores and identities by crop id."""
    best: dict[str, float] = {}
    for crop, score in scores.items():
        best[identities[crop]] = max(score, best.get(identities[crop], 0.0))
    return sorted(best.items(), key=lambda pair: -pair[1])


def by_chance(scores: Mapping[int, float], events: Mapping[int, int]) -> float:
    """How much of a candidate's best score the number of its crops explains, as log(1 + score), 0 and up.

    The crops of one event are nearly one look, and the best of n of them rises with n whomever they show; crops of
    other events are looks of their own and cost nothing. So each event counts as its best crop less BY_CHANCE x log n,
    and the candidate as its best event. Another crop of an event takes at most BY_CHANCE x log((n + 1) / n) from it,
    unless it matches better by more; another event never takes anything.

    Args:
        scores: of one candidate's crops, by crop, at least one.
        events: by crop.
    """
    of: dict[int, list[float]] = {}
    for crop, score in scores.items():
        of.setdefault(events[crop], []).append(float(np.log1p(score)))
    best = max(map(max, of.values()))
    return best - max(0.0, *(max(mine) - BY_CHANCE * float(np.log(len(mine))) for mine in of.values()))


def cues_of(ranking: Sequence[tuple[str, float]]) -> tuple[float, float] | None:
    """Lead (log of the first score over the second's, each + 1), and log of the first + 1; None for no ranking.

    With one identity alone the second counts as nothing matched.
    """
    if not ranking:
        return None
    first, second = (float(np.log1p(score)) for _, score in [*ranking, ("", 0.0)][:2])
    return first - second, first
