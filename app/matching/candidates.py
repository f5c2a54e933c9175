"""From the models' scores to candidates: one a named individual, one an unnamed crop, each with probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modal_backend.models.probability.calibration import FUSED, Calibration, fuse, sigmoid
from modal_backend.registry import LOCAL

TOP = 24
NOT_CALIBRATED = "This model has no calibration."

Key = tuple[str | None, int]


@dataclass(slots=True)
class Group:
    """One candidate: a named individual (identity) with the crop that stands for it, or one unnamed crop.

    scores: raw, by model. matches: descriptors of the query whose nearest neighbour lies on it (RAPID).
    """

    identity: str | None
    crop_id: int
    scores: dict[str, float] = field(default_factory=dict)
    matches: int = 0

    @property
    def key(self) -> Key:
        """Individuals are told apart by identity, unnamed crops by id."""
        return (self.identity, 0) if self.identity is not None else (None, self.crop_id)


def fuse_groups(
    groups: Mapping[Key, Group], models: list[str], calibrations: Mapping[str, Calibration]
) -> dict[str, list[dict[str, Any]]]:
    """Candidates of every model and of their fusion, each list best first, at most TOP.

    A group RAPID gave no vote has the score 0; one whose crops have no embedding is left to RAPID. Each candidate:
    {crop_id, identity, score, matches, probability, reason (where the probability is None), models: {name: {score,
    probability}}}.
    """
    every = list(groups.values())
    nothing = {model: 0.0 if model.startswith(LOCAL) else np.nan for model in models}
    scores = {model: np.array([group.scores.get(model, nothing[model]) for group in every]) for model in models}
    known = [model for model in models if model in calibrations]
    odds = {model: calibrations[model].log_odds(scores[model]) for model in known}
    chance = {model: sigmoid(values) for model, values in odds.items()}
    if odds:
        scores[FUSED] = fuse(odds, {model: calibrations[model].weight for model in known})
        chance[FUSED] = calibrations[FUSED].probability(scores[FUSED])
    return {model: _listed(every, scores, chance, model) for model in scores}


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
