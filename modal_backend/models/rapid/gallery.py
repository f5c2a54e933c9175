"""RAPID's second half: which crops and identities a query resembles, and whether its animal is there at all.

Every descriptor of the query votes for the crops its nearest gallery descriptors lie on. RAPID's weight is 1 /
distance; here it is how much nearer they lie than the first one that has no vote (local naive Bayes nearest neighbour:
McCann and Lowe, CVPR 2012; used for animals by Crall et al., WACV 2013), times how alike the two keypoints lie. A crop
takes its best vote of each descriptor. The leaders are then checked as whole patterns: their votes are multiplied by
1 + the matches that one turn, scale and shift explain. An identity is as good as its best crop: an animal with many
pictures, and so with many backgrounds, has nothing over one with few. Against the weight 1 / distance^2, 30 ATRW tigers
with one gallery picture each gain 2 points of top-1 (mean of six draws); against the sum over all crops of an identity
they gain 5 (224 px) and 4 points (448 px) by event, mean of twenty draws, nothing lost at random; on either half of
the tigers alone too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modal_backend.contracts import LocalFeatures
from modal_backend.models.probability.open_set import Curve, Densities, densities
from modal_backend.models.probability.usual import usual
from modal_backend.models.rapid.descriptor_index import EXACT_ROWS, DescriptorIndex
from modal_backend.models.rapid.pattern_geometry import agreement, consistent_matches, placed
from modal_backend.models.rapid.ranking import Candidate, IdentityRank, Ranking
from modal_backend.models.rapid.votes import best_vote_each, nearness
from modal_backend.registry import LOCAL, LOCAL_FINE

NEIGHBOURS = 10
# Crops and identities whose whole pattern is checked: more among few crops, where it wins the most, above all with few
# descriptors, where it is cheap (150 of each crop: 0.5 ms a pair; 600: 5 ms).
CHECKED, CHECKED_AMONG_FEW, FEW = (4, 4), (12, 8), 300
CHECKED_SHORT, SHORT = (24, 24), 200

# Measured on 30 ATRW tigers: the best of 4 to 24 unrelated identities reaches 0.11 to 0.24 points a descriptor of the
# query, a single one 0.3 to 0.9; START is the curve through 4,288 rankings in such galleries with 1 to 6 pictures each,
# START_FINE through 1,732 of the 448 px profile.
STRANGER, STRANGER_ALONE = 0.1, 0.5
START = Curve(weights=(1.2, 1.25), bias=-4.0)
START_FINE = Curve(weights=(0.62, 2.16), bias=-6.76)
STARTS = {LOCAL: START, LOCAL_FINE: START_FINE}
MOST_LEAD = 5.0
LEAVE_OUTS = 60
FEWEST_IDENTITIES = 8


@dataclass(frozen=True)
class _Vote:
    """Per slot: score and matches.

    Attributes:
        cues: lead and pattern fit of the first identity; None: no vote at all.
    """

    scores: NDArray[np.float64]
    matches: NDArray[np.intp]
    identities: list[IdentityRank]
    cues: tuple[float, float] | None


class RapidGallery:
    """Crops with their features, some of them named; may be changed at any time.

    Args:
        exact_rows: up to so many descriptors the search of 150 is exact.
        start: curve of "known" before the gallery shows one of its own.
        fixed: it stays in use.

    Attributes:
        usual: see `usual.usual`; empty before the first query, of few animals, and where `fixed`.
    """

    def __init__(self, *, exact_rows: int = EXACT_ROWS, start: Curve = START, fixed: bool = False) -> None:
        self._index = DescriptorIndex(exact_rows)
        self._slot_of: dict[int, int] = {}
        self._crop_ids: list[int] = []
        self._features: list[LocalFeatures | None] = []
        self._identities: list[str] = []
        self._number_of: dict[str, int] = {}
        self._alive = np.zeros(64, bool)
        self._number = np.full(64, -1, np.int32)
        self._start, self._fixed = start, fixed
        self._curve: Curve | Densities = start
        self.usual: dict[str, float] = {}
        self._changes = 0

    def __len__(self) -> int:
        return len(self._slot_of)

    def __contains__(self, crop_id: object) -> bool:
        return crop_id in self._slot_of

    def add(self, crop_id: int, features: LocalFeatures, identity: str | None = None) -> None:
        """Take a crop in.

        Raises:
            ValueError: it is in already.
        """
        if crop_id in self._slot_of:
            raise ValueError(f"Crop {crop_id} is in the gallery already; remove it first.")
        slot = len(self._crop_ids)
        if slot == len(self._alive):
            self._alive = np.append(self._alive, np.zeros(slot, bool))
            self._number = np.append(self._number, np.full(slot, -1, np.int32))
        self._slot_of[crop_id] = slot
        self._crop_ids.append(crop_id)
        self._features.append(features)
        self._alive[slot] = True
        self._index.add(slot, features.descriptors, placed(features))
        self.name(crop_id, identity)

    def remove(self, crop_id: int) -> None:
        """Take a crop out.

        Raises:
            KeyError: it is not in.
        """
        slot = self._slot_of.pop(crop_id)
        self._changes += int(self._number[slot] >= 0)
        self._alive[slot], self._number[slot], self._features[slot] = False, -1, None
        self._index.remove(slot)

    def name(self, crop_id: int, identity: str | None) -> None:
        """Say who a crop shows, or with None that nobody knows.

        Raises:
            KeyError: the crop is not in.
        """
        slot = self._slot_of[crop_id]
        number = -1 if identity is None else self._number_of.setdefault(identity, len(self._identities))
        if number == len(self._identities) and identity is not None:
            self._identities.append(identity)
        self._changes += int(self._number[slot] != number)
        self._number[slot] = number

    def prepare(self) -> None:
        """Do now what the first query would wait for: the search index and the curve of "known"."""
        some = next((known for known in self._features if known is not None and len(known.descriptors)), None)
        if some is not None:
            self.rank(some, top=1)

    def rank(
        self,
        features: LocalFeatures,
        *,
        within: Collection[int] | None = None,
        exclude: Collection[int] = (),
        top: int = 50,
    ) -> Ranking:
        """Crops and identities that resemble the query, best first; `top` crops, every identity with a vote.

        Identities and known_probability come from the named crops alone, so that unnamed pictures of the same animal
        take nothing away. known_probability is calibrated on the whole named gallery (leave-outs, refitted after enough
        changes) and is None when the query has no features or nobody in the scope is named.

        Args:
            within: only these crop ids (those not in the gallery are ignored).
            exclude: never these.
        """
        allowed = self._allowed(within, exclude)
        vote = self._vote(features, allowed)
        named = allowed & (self._numbers() >= 0)
        named_vote = vote if np.array_equal(named, allowed) else self._vote(features, named)
        best = np.argsort(-vote.scores, kind="stable")[:top]
        candidates = [self._candidate(vote, int(slot)) for slot in best if vote.scores[slot] > 0]
        probability = None
        if named_vote.cues is not None:
            self._refit_if_stale()
            probability = self._curve.probability(named_vote.cues)
        return Ranking(candidates, named_vote.identities, probability)

    def _numbers(self) -> NDArray[np.int32]:
        return self._number[: len(self._crop_ids)]

    def _candidate(self, vote: _Vote, slot: int) -> Candidate:
        number = self._number[slot]
        identity = self._identities[number] if number >= 0 else None
        return Candidate(self._crop_ids[slot], identity, float(vote.scores[slot]), int(vote.matches[slot]))

    def _allowed(self, within: Collection[int] | None, exclude: Iterable[int]) -> NDArray[np.bool_]:
        allowed = self._alive[: len(self._crop_ids)].copy()
        if within is not None:
            inside = np.zeros_like(allowed)
            inside[[self._slot_of[crop_id] for crop_id in within if crop_id in self._slot_of]] = True
            allowed &= inside
        allowed[[self._slot_of[crop_id] for crop_id in exclude if crop_id in self._slot_of]] = False
        return allowed

    def _vote(self, features: LocalFeatures, allowed: NDArray[np.bool_]) -> _Vote:
        distances, slots, points = self._index.search(features.descriptors, NEIGHBOURS + 1, allowed)
        alike = agreement(placed(features)[:, None], points[:, :-1])
        weights = np.asarray(alike * nearness(np.sqrt(distances)), np.float64)
        slots = slots[:, :-1]
        scores = best_vote_each(slots, weights, len(allowed))
        nearest = slots[:, 0]
        matches = np.bincount(nearest[nearest >= 0], minlength=len(allowed))
        inliers = self._inliers(features, scores)
        alone = np.count_nonzero(self._best_of_each(scores)) < 2
        stranger = (STRANGER_ALONE if alone else STRANGER) * len(features.descriptors)
        return self._verdict(scores * (1 + inliers), matches, inliers, stranger)

    def _best_of_each(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The best score among the crops of each identity."""
        best = np.zeros(len(self._identities))
        named = np.flatnonzero(self._numbers() >= 0)
        np.maximum.at(best, self._number[named], scores[named])
        return best

    def _inliers(self, features: LocalFeatures, scores: NDArray[np.float64]) -> NDArray[np.intp]:
        crops, identities = CHECKED
        if np.count_nonzero(scores) <= FEW:
            crops, identities = CHECKED_SHORT if len(features.descriptors) <= SHORT else CHECKED_AMONG_FEW
        leaders = [int(slot) for slot in np.argsort(-scores, kind="stable")[:crops]]
        for number in np.argsort(-self._best_of_each(scores), kind="stable")[:identities]:
            leaders.append(int(np.where(self._numbers() == number, scores, -1.0).argmax()))
        inliers = np.zeros(len(scores), np.intp)
        for slot in {slot for slot in leaders if scores[slot] > 0}:
            other = self._features[slot]
            if other is not None:
                inliers[slot] = len(consistent_matches(features, other))
        return inliers

    def _verdict(
        self,
        scores: NDArray[np.float64],
        matches: NDArray[np.intp],
        inliers: NDArray[np.intp],
        stranger: float,
    ) -> _Vote:
        named = np.flatnonzero((self._numbers() >= 0) & (scores > 0))
        named = named[np.lexsort((-scores[named], self._number[named]))]
        numbers, first = np.unique(self._number[named], return_index=True)
        best_slot = dict(zip(numbers.tolist(), named[first].tolist(), strict=True))
        gathered = np.bincount(self._number[named], matches[named], minlength=len(self._identities))
        finals = self._best_of_each(scores)
        order = [number for number in np.argsort(-finals, kind="stable").tolist() if finals[number] > 0]
        final, gathered_by = finals.tolist(), gathered.tolist()
        ranks = [
            IdentityRank(self._identities[n], final[n], self._crop_ids[best_slot[n]], gathered_by[n]) for n in order
        ]
        cues = None
        if order:
            second = max(finals[order[1]], stranger) if len(order) > 1 else stranger
            lead = min(float(np.log(finals[order[0]] / second)), MOST_LEAD)
            cues = (lead, float(np.log1p(inliers[best_slot[order[0]]])))
        return _Vote(scores, matches, ranks, cues)

    def _refit_if_stale(self) -> None:
        named = np.flatnonzero(self._numbers() >= 0)
        if self._fixed or self._changes <= max(5, len(named) // 5):
            return
        self._changes = 0
        known, unknown = self._leave_outs(named)
        enough = len(np.unique(self._number[named])) >= FEWEST_IDENTITIES
        self._curve = densities(known, unknown, self._start) if enough else self._start

    def _leave_outs(self, named: NDArray[np.intp]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        known, unknown, rows = [], [], []
        everyone = self._numbers() >= 0
        there = np.unique(self._number[named])
        for slot in np.random.default_rng(0).permutation(named)[:LEAVE_OUTS]:
            features = self._features[slot]
            if features is None:
                continue
            others = everyone & (self._numbers() != self._number[slot])
            without = self._vote(features, others)
            if without.cues is not None:
                unknown.append(without.cues)
            best = np.log1p(self._best_of_each(without.scores))
            best[self._number[slot]] = np.nan
            rows.append(best[there])
            rest = everyone.copy()
            rest[slot] = False
            again = self._vote(features, rest).cues if rest.sum() > others.sum() else None
            if again is not None:
                known.append(again)
        self.usual = usual([self._identities[number] for number in there], np.array(rows))
        return known, unknown
