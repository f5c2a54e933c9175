"""From the models' scores to candidates: one a named individual, one an unnamed crop, each with probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modal_backend.models.matcher.ranking import LISTED, shortlist
from modal_backend.models.probability.calibration import FUSED, FUSED_MATCHED, Calibration, fuse, sigmoid, stand_out
from modal_backend.models.probability.look_alikes import NEAREST, with_look_alikes
from modal_backend.registry import LOCAL, MATCH_FEATURES

TOP = 30
NOT_CALIBRATED = "This model has no calibration."

Key = tuple[str | None, int]


@dataclass(slots=True)
class Group:
    """One candidate: a named individual (identity) with the crop that stands for it, or one unnamed crop.

    scores: raw, by model. usual: by model, what is taken off its stretched score, see
    `modal_backend.models.probability.usual` and, of the matcher, `by_chance`. matches: descriptors of the query whose
    nearest neighbour lies on it (RAPID). crops: of a named individual those that resemble the query, each with its own
    scores. compared: of a look-alike of the query, the matcher's scores of it with named candidates, by their keys.
    """

    identity: str | None
    crop_id: int
    scores: dict[str, float] = field(default_factory=dict)
    matches: int = 0
    crops: dict[int, dict[str, float]] = field(default_factory=dict)
    usual: dict[str, float] = field(default_factory=dict)
    compared: dict[Key, float] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Individuals are told apart by identity, unnamed crops by id."""
        return (self.identity, 0) if self.identity is not None else (None, self.crop_id)


@dataclass(slots=True)
class Answer:
    """What one query found. known: by model, the probability that somebody named is shown. within, left_out: the crops
    that the scope allows (None: all), and those it leaves out besides."""

    groups: dict[Key, Group]
    models: list[str]
    known: dict[str, float | None]
    gallery_size: int
    in_scope: int
    within: set[int] | None
    left_out: set[int]

    def allows(self, crop_id: int) -> bool:
        """Whether the scope allows a crop as a candidate."""
        return (self.within is None or crop_id in self.within) and crop_id not in self.left_out


def fuse_groups(
    groups: Mapping[Key, Group], models: list[str], calibrations: Mapping[str, Calibration]
) -> dict[str, list[dict[str, Any]]]:
    """Candidates of every model and of their fusion, each list best first, at most TOP.

    A group RAPID gave no vote has the score 0; one without an embedding, or at which the matcher has not looked, is
    left to the others. Undecided crops that look like the query vote on whom it shows, see `look_alikes`. Each
    candidate: {crop_id, identity, score, matches, probability, reason (where the probability is None), models: {name:
    {score, probability}}, by_way_of (fused): the look-alikes that resemble it most of all named}.
    """
    every = list(groups.values())
    scores = {model: _scores(every, model) for model in models}
    known = [model for model in models if model in calibrations]
    chance = {model: calibrations[model].probability(scores[model]) for model in known}
    by_way_of: dict[int, list[int]] = {}
    if known:
        odds = _fused(every, known, calibrations)
        scores[FUSED] = stand_out(odds, np.array([group.identity is not None for group in every], bool))
        if MATCH_FEATURES in known:
            by_way_of = _count_look_alikes(every, odds, scores[FUSED], calibrations[MATCH_FEATURES])
        matched = any(MATCH_FEATURES in group.scores for group in every)
        fusion = FUSED_MATCHED if matched and FUSED_MATCHED in calibrations else FUSED
        chance[FUSED] = calibrations[fusion].probability(scores[FUSED])
    lists = {model: _listed(every, scores, chance, model) for model in scores}
    for candidate in lists.get(FUSED, []):
        candidate["by_way_of"] = by_way_of.get(candidate["crop_id"], [])
    return lists


def each_crop(groups: Iterable[Group]) -> list[Group]:
    """Every crop as a candidate of its own: those of named individuals with what they themselves score."""
    every = []
    for group in groups:
        mine = group.crops if group.identity is not None else {group.crop_id: group.scores}
        every += [Group(group.identity, crop, scores, usual=group.usual) for crop, scores in mine.items()]
    return every


def in_order(groups: Iterable[Group], models: Sequence[str], calibrations: Mapping[str, Calibration]) -> list[Group]:
    """The groups by the fusion of these models, best first; as they are where none of them has a calibration."""
    every = list(groups)
    known = [model for model in models if model in calibrations]
    if not known:
        return every
    return [every[place] for place in np.argsort(-_fused(every, known, calibrations), kind="stable")]


def listed(ordered: Sequence[Group], likest: Sequence[int]) -> list[Group]:
    """The crops that the matcher looks at, best first: the nearest undecided ones have a few places at least, those of
    named individuals the others.

    By their order alone every second place would go to an undecided crop: 36 cows, one gallery picture each, first
    place .390 and .562 among the first five; so .393 and .590. An individual may have several places while another
    has none: see LIKEST_OF.

    Args:
        ordered: every crop as a candidate of its own, best first.
        likest: named ones by how alike their descriptors are, best first; they and the order take turns.
    """
    named = [crop.crop_id for crop in ordered if crop.identity is not None]
    undecided = [crop.crop_id for crop in ordered if crop.identity is None][: max(NEAREST, LISTED - len(named))]
    chosen = {*undecided, *shortlist(likest, named, length=LISTED - len(undecided))}
    return [crop for crop in ordered if crop.crop_id in chosen]


def _count_look_alikes(
    groups: Sequence[Group], odds: NDArray[np.float64], scores: NDArray[np.float64], matcher: Calibration
) -> dict[int, list[int]]:
    """Let look-alikes vote on the scores of the named, in place; by a candidate's crop, those that resemble it most.

    Args:
        odds: by the query's own evidence, before `stand_out` (n,).
        scores: after it (n,).
        matcher: its calibration.
    """
    named = [place for place, group in enumerate(groups) if group.identity is not None]
    alike = [place for place, group in enumerate(groups) if group.compared]
    if not named or not alike:
        return {}
    found = [[groups[place].compared.get(groups[name].key, np.nan) for name in named] for place in alike]
    theirs = matcher.log_odds(found)
    scores[named] = with_look_alikes(scores[named], float(odds[named].max()), odds[alike], theirs)
    by_way_of: dict[int, list[int]] = {}
    for place, first in zip(alike, np.nanargmax(theirs, axis=1), strict=True):
        by_way_of.setdefault(groups[named[first]].crop_id, []).append(groups[place].crop_id)
    return by_way_of


def _fused(
    groups: Sequence[Group], models: Sequence[str], calibrations: Mapping[str, Calibration]
) -> NDArray[np.float64]:
    usual = {model: [group.usual.get(model, 0.0) for group in groups] for model in models}
    odds = {model: calibrations[model].log_odds(_scores(groups, model), usual[model]) for model in models}
    return fuse(odds, {model: calibrations[model].weight for model in models})


def _scores(groups: Sequence[Group], model: str) -> NDArray[np.float64]:
    nothing = 0.0 if model.startswith(LOCAL) else np.nan
    return np.array([group.scores.get(model, nothing) for group in groups])


def mean_odds(chances: Sequence[float]) -> float | None:
    """One probability from several models': the mean of their log-odds; None of none."""
    if not chances:
        return None
    inside = np.clip(chances, 1e-4, 1 - 1e-4)
    return float(sigmoid(np.mean(np.log(inside / (1 - inside)))))


def _listed(
    groups: list[Group], scores: Mapping[str, Any], chance: Mapping[str, Any], model: str
) -> list[dict[str, Any]]:
    best = [place for place in np.argsort(-scores[model], kind="stable")[:TOP] if _has_vote(groups[place], model)]
    return [_candidate(groups[place], int(place), scores, chance, model) for place in best]


def _has_vote(group: Group, model: str) -> bool:
    return model == FUSED or model in group.scores


def _figure(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _candidate(
    group: Group, place: int, scores: Mapping[str, Any], chance: Mapping[str, Any], model: str
) -> dict[str, Any]:
    figures = {
        name: {
            "score": _figure(values[place]),
            "probability": _figure(chance[name][place]) if name in chance else None,
        }
        for name, values in scores.items()
    }
    probability = figures[model]["probability"]
    return {
        "crop_id": group.crop_id,
        "identity": group.identity,
        "score": figures[model]["score"],
        "matches": group.matches,
        "probability": probability,
        **({} if probability is not None else {"reason": NOT_CALIBRATED}),
        "models": figures,
    }
