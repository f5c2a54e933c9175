"""Queries and candidates as the match view wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app import deps
from app.matching.trust import CalibrationState, calibration_state
from app.survey.detections.boxes import BoxView, boxes
from app.survey.individuals import rankings
from app.survey.individuals.calibrations import SCALE
from app.survey.individuals.rankings import Scope
from app.survey.media.places import Taken, taken
from app.survey.tables.detections import Ranking
from app.ui.shared.words import when


@dataclass(frozen=True, slots=True)
class Ranked:
    """A query with its candidates, ready to be drawn.

    figures: by query and candidate, are kept with a decision. boxes, crops: by id, of all
    queries read with it and of their candidates. fresh: whether the ranking knows every decision. settled:
    whether no other order is to come.
    """

    query: dict[str, Any]
    candidates: list[dict[str, Any]]
    figures: dict[tuple[int, int], dict[str, Any]]
    ranking: Ranking | None
    stamp: str
    fresh: bool
    settled: bool
    calibration: CalibrationState
    boxes: Mapping[int, BoxView]
    crops: Mapping[int, dict[str, Any]]


def ranked_queries(session: Session, detection_ids: Sequence[int], model: str, scope: Scope) -> list[Ranked]:
    """These queries with their last rankings, in order; numbers of no crop are left out."""
    last = rankings.last_rankings(session, detection_ids, model, scope)
    ranked = [crop for ranking in last.values() for crop in ranking.candidates]
    ways = {int(way) for crop in ranked for way in crop.get("by_way_of", ())}
    found = boxes(session, {*detection_ids, *(int(crop["crop_id"]) for crop in ranked), *ways})
    crops = crops_of(session, found)
    now, calibration = rankings.stamp(session), calibration_state(session, model)
    verdicts = rankings.verdicts(session, detection_ids)
    queries = []
    for number in detection_ids:
        if number not in found:
            continue
        ranking = last.get(number)
        candidates = [
            _candidate(found[candidate["crop_id"]], crops, candidate, model, verdicts[number].get(candidate["crop_id"]))
            for candidate in (ranking.candidates if ranking else [])
            if candidate["crop_id"] in found
        ]
        fresh, settled = rankings.state(ranking, now)
        decided = found[number].individual or found[number].identity
        queries.append(
            Ranked(
                query={**crops[number], "decided": decided, "settled": settled},
                candidates=candidates,
                figures={(number, candidate["id"]): _figures(candidate, ranking, model) for candidate in candidates},
                ranking=ranking,
                stamp=now,
                fresh=fresh,
                settled=settled,
                calibration=calibration,
                boxes=found,
                crops=crops,
            )
        )
    return queries


def known_sentence(ranking: Ranking | None, calibration: CalibrationState | None = None) -> str:
    """What the open-set test says about the query, and what the candidates' probabilities rest on, in words."""
    known = _known(ranking)
    return f"{known} {calibration.sentence}" if calibration is not None else known


def _known(ranking: Ranking | None) -> str:
    if ranking is None or ranking.known_probability is None:
        return "Nobody in scope is named yet: a person has to name the first."
    share = ranking.known_probability
    if share < 0.5:
        return f"Probably nobody named so far (probability {share:.2f} that it is one of them)."
    return f"Probably somebody named already (probability {share:.2f})."


def _candidate(
    box: BoxView, crops: Mapping[int, dict[str, Any]], crop: dict[str, Any], model: str, verdict: str | None
) -> dict[str, Any]:
    return {
        **crops[box.id],
        "name": box.individual,
        "individual_id": box.individual_id,
        "probability": crop.get("probability"),
        "reason": crop.get("reason"),
        "raw": crop["score"],
        "model": model.upper() if model.startswith("rapid") else model,
        "models": crop.get("models", {}),
        "matches": crop["matches"],
        "verdict": verdict,
        "by_way_of": [{"id": way, "src": crops[way]["src"]} for way in crop.get("by_way_of", ()) if way in crops],
    }


def crops_of(session: Session, found: Mapping[int, BoxView]) -> dict[int, dict[str, Any]]:
    """Crops as the match view draws them, by their ids: picture, flank, where and when it was taken."""
    media = taken(session, {box.media_id for box in found.values()})
    return {number: _crop(box, media[box.media_id]) for number, box in found.items()}


def _crop(box: BoxView, media: Taken) -> dict[str, Any]:
    facts = [media.deployment or "no deployment", when(media.at), *(["synthetic"] if media.synthetic else [])]
    return {"id": box.id, "src": deps.box_crop_url(box), "flank": box.flank or "unknown", "facts": facts}


def _figures(candidate: dict[str, Any], ranking: Ranking | None, model: str) -> dict[str, Any]:
    return {
        "scale": SCALE,
        "model": model,
        "score": candidate["raw"],
        "probability": candidate["probability"],
        "models": candidate["models"],
        "matches": candidate["matches"],
        "by_way_of": [way["id"] for way in candidate["by_way_of"]],
        "known_probability": ranking.known_probability if ranking else None,
        "gallery_size": ranking.gallery_size if ranking else None,
    }


def in_order(ids: Sequence[int], first: int | None, step: int) -> int | None:
    """The id `step` places after `first` in the order; the first one when there is no such place."""
    if not ids:
        return None
    if first not in ids:
        return ids[0]
    return ids[min(max(ids.index(first) + step, 0), len(ids) - 1)]
