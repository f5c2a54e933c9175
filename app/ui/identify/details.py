"""What the match view shows besides the ranking: other views of an individual, masks, quality, flank, evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from sqlalchemy.orm import Session

from app import deps
from app.matching import flanks
from app.survey.decisions.bursts import burst_of
from app.survey.decisions.contradictions import rejected
from app.survey.detections import evidence as kept
from app.survey.detections import quality
from app.survey.detections.best_views import views_of
from app.survey.detections.boxes import boxes
from app.survey.detections.evidence import EvidenceView
from app.ui.identify.candidates import Ranked, crops_of
from modal_backend.models.evidence.chance import proven

AT_FIRST = 6
AHEAD = 2
VIEWS_SENT = 24


@dataclass(frozen=True, slots=True)
class Shown:
    """A query as the match view wants it. evidence: by crop id; wanted: the crops whose evidence is looked at first."""

    query: dict[str, Any]
    candidates: list[dict[str, Any]]
    evidence: dict[int, EvidenceView] = field(default_factory=dict)
    wanted: list[int] = field(default_factory=list)

    def evidence_sent(self) -> dict[int, dict[str, Any]]:
        """The evidence as plain values."""
        return {crop: _plain(one) for crop, one in self.evidence.items()}


def detailed(
    session: Session,
    ranked: Ranked,
    *,
    by_image: bool,
    one_flank: bool,
    show_rejected: bool,
    look: int | None = None,
    first: int = AT_FIRST,
) -> Shown:
    """Add what was computed about the crops of a ranked query. look: a crop whose evidence is wanted besides."""
    query = dict(ranked.query)
    candidates = [dict(one) for one in ranked.candidates]
    views = _views(session, query, candidates, one_flank)
    if by_image:
        candidates = [image for one in candidates for image in _images(one, views)]
    else:
        for one in candidates:
            one["views"] = views.get(one["individual_id"] or 0, [])
            one["views"] = [_as_view(one), *(view for view in one["views"] if view["id"] != one["id"])]
    if show_rejected:
        candidates += _rejected(session, int(query["id"]), {one["id"] for one in candidates})
    query["ranked"] = ranked.fresh
    shown = [int(one["id"]) for one in candidates]
    wanted = list(dict.fromkeys([*([look] if look else []), *shown[:first]]))
    found = kept.evidence_of(session, int(query["id"]), list(dict.fromkeys([*wanted, *shown[:VIEWS_SENT]])))
    sent = {crop: one for crop, one in found.items() if crop in wanted}
    sent |= {crop: _without_lines(one) for crop, one in found.items() if crop not in wanted}
    for one in candidates:
        raise_to_proven(one, found.get(int(one["id"])))
    _add_quality_and_masks(session, query, candidates)
    query["proposal"] = _proposal(session, query, found)
    query["burst"] = [] if query["decided"] else _burst(session, int(query["id"]))
    return Shown(query, candidates, sent, wanted)


def conflict_items(session: Session, conflicts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Contradictions with pictures of the crops they are about."""
    wanted = {crop for one in conflicts for crop in one["crops"]}
    found = boxes(session, wanted)
    return [
        {
            **one,
            "id": one["key"],
            "crops": [
                {"id": crop, "src": deps.box_crop_url(found[crop]), "name": found[crop].individual}
                for crop in one["crops"]
                if crop in found
            ],
        }
        for one in conflicts
    ]


def raise_to_proven(candidate: dict[str, Any], evidence: EvidenceView | None) -> None:
    """Let no candidate's probability be below what the features that agree on the animals prove by themselves."""
    if evidence is None or evidence.warned or candidate["probability"] is None:
        return
    agreeing = evidence.by_rapid.animal
    least = proven(agreeing)
    if least > candidate["probability"]:
        candidate |= {"probability": round(least, 4), "proven": agreeing}


def _burst(session: Session, query_id: int) -> list[dict[str, Any]]:
    """The crops that are decided together with the query, unless a person decides it alone."""
    found = boxes(session, burst_of(session, query_id))
    return [{"id": box.id, "src": deps.box_crop_url(box)} for box in found.values()]


def _plain(one: EvidenceView) -> dict[str, Any]:
    """Evidence as a plain value; its lines are not copied, which takes longer than all the rest of the page."""
    values = {part.name: getattr(one, part.name) for part in fields(one)}
    return values | {"other": _plain(one.other) if one.other else None}


def _without_lines(one: EvidenceView) -> EvidenceView:
    return replace(one, lines=[], other=None, on_background=one.warned)


def _views(
    session: Session, query: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]], one_flank: bool
) -> dict[int, list[dict[str, Any]]]:
    individuals = {int(one["individual_id"]) for one in candidates if one["individual_id"]}
    if not individuals:
        return {}
    ids = views_of(session, individuals, query["flank"], one_flank=one_flank)
    ids = {individual: [one for one in crops if one != query["id"]] for individual, crops in ids.items()}
    items = _crops(session, {crop for crops in ids.values() for crop in crops})
    return {individual: [items[one] for one in crops if one in items] for individual, crops in ids.items()}


def _images(one: dict[str, Any], views: Mapping[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    others = [view for view in views.get(one["individual_id"] or 0, []) if view["id"] != one["id"]]
    unranked: dict[str, Any] = {
        "probability": None,
        "raw": None,
        "matches": None,
        "models": {},
        "origin": f"also {one['name']}",
    }
    return [one, *({**one, **view, **unranked} for view in others)]


def _rejected(session: Session, query_id: int, present: Collection[int]) -> list[dict[str, Any]]:
    ids = [one for one in rejected(session, query_id) if one not in present]
    found, items = boxes(session, ids), _crops(session, ids)
    return [
        {
            **items[one],
            "name": found[one].individual,
            "individual_id": found[one].individual_id,
            "probability": None,
            "raw": None,
            "model": "",
            "matches": None,
            "verdict": "different",
            "origin": "rejected before",
            "views": [],
        }
        for one in ids
        if one in items
    ]


def _crops(session: Session, detection_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    return crops_of(session, boxes(session, detection_ids))


def _as_view(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("id", "src", "flank", "facts")}


def _add_quality_and_masks(session: Session, query: dict[str, Any], candidates: Sequence[dict[str, Any]]) -> None:
    items = [query, *candidates, *(view for one in candidates for view in one.get("views", []))]
    ids = {int(one["id"]) for one in items}
    known, masks = quality.of(session, ids), kept.masks(session, ids)
    for one in items:
        number = int(one["id"])
        one["quality"] = quality.words(known[number]) if number in known else []
        one["mask"] = masks.get(number)


def _proposal(session: Session, query: Mapping[str, Any], found: Mapping[int, EvidenceView]) -> dict[str, str] | None:
    if query["flank"] != "unknown":
        return None
    by_pattern = flanks.by_pattern(found, flanks.flanks_of(session, list(found)))
    proposal = by_pattern or flanks.by_mirror(session, int(query["id"]))
    return asdict(proposal) if proposal else None
