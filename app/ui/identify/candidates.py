"""Queries and candidates as the match view wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app import deps
from app.matching.trust import CalibrationState, calibration_state
from app.survey.detections.boxes import BoxView, boxes
from app.survey.individuals import rankings
from app.survey.individuals.calibrations import SCALE
from app.survey.individuals.rankings import Scope
from app.survey.media import browse
from app.survey.media.browse import MediaView
from app.survey.tables.detections import Ranking
from app.ui.shared.words import when


@dataclass(frozen=True, slots=True)
class Ranked:
    """A query with its candidates, ready to be drawn.

    figures: by query and candidate, are kept with a decision. fresh: whether the ranking knows every decision. settled:
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


def ranked_query(session: Session, detection_id: int, model: str, scope: Scope) -> Ranked | None:
    """One query with its last ranking; None when there is no such crop."""
    ranking = rankings.ranking(session, detection_id, model, scope)
    crops = ranking.candidates if ranking else []
    found = boxes(session, [detection_id, *(int(crop["crop_id"]) for crop in crops)])
    if detection_id not in found:
        return None
    media = {view.id: view for view in browse.views(session, list({box.media_id for box in found.values()}))}
    verdicts = rankings.verdicts(session, detection_id)
    query = found[detection_id]
    candidates = [
        _candidate(found[crop["crop_id"]], media, crop, model, verdicts.get(crop["crop_id"]))
        for crop in crops
        if crop["crop_id"] in found
    ]
    now = rankings.stamp(session)
    fresh, settled = rankings.state(ranking, now)
    return Ranked(
        query={**_crop(query, media), "decided": query.individual or query.identity, "settled": settled},
        candidates=candidates,
        figures={(detection_id, one["id"]): _figures(one, ranking, model) for one in candidates},
        ranking=ranking,
        stamp=now,
        fresh=fresh,
        settled=settled,
        calibration=calibration_state(session, model),
    )


def known_sentence(ranking: Ranking | None, calibration: CalibrationState | None = None) -> str:
    """What the open-set test says about the query, and what the candidates' probabilities rest on, in words."""
    known = _known(ranking)
    return f"{known} {calibration.sentence}" if calibration is not None else known


def _known(ranking: Ranking | None) -> str:
    if ranking is None or ranking.known_probability is None:
        return "Nobody is named yet: the first animals have to be named by a person."
    share = ranking.known_probability
    if share < 0.5:
        return f"Probably nobody named so far (probability {share:.2f} that it is one of them)."
    return f"Probably somebody named already (probability {share:.2f})."


def _candidate(
    box: BoxView, media: dict[int, MediaView], crop: dict[str, Any], model: str, verdict: str | None
) -> dict[str, Any]:
    return {
        **_crop(box, media),
        "name": box.individual,
        "individual_id": box.individual_id,
        "probability": crop.get("probability"),
        "reason": crop.get("reason"),
        "raw": crop["score"],
        "model": model.upper() if model.startswith("rapid") else model,
        "models": crop.get("models", {}),
        "matches": crop["matches"],
        "verdict": verdict,
    }


def _crop(box: BoxView, media: dict[int, MediaView]) -> dict[str, Any]:
    view = media.get(box.media_id)
    known = [view.deployment or "no deployment", when(view.taken_at)] if view else []
    if view and view.synthetic:
        known.append("synthetic")
    return {"id": box.id, "src": deps.box_crop_url(box), "flank": box.flank or "unknown", "facts": known}


def _figures(candidate: dict[str, Any], ranking: Ranking | None, model: str) -> dict[str, Any]:
    return {
        "scale": SCALE,
        "model": model,
        "score": candidate["raw"],
        "probability": candidate["probability"],
        "models": candidate["models"],
        "matches": candidate["matches"],
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
