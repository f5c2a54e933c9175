"""What the match view shows besides the ranking: other views of an individual, masks, quality, flank, evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from sqlalchemy.orm import Session

from app import deps
from app.matching import flanks
from app.survey.decisions.bursts import bursts_of
from app.survey.decisions.contradictions import rejected
from app.survey.detections import evidence as kept
from app.survey.detections import quality
from app.survey.detections.best_views import views_of
from app.survey.detections.boxes import BoxView, boxes
from app.survey.detections.evidence import EvidenceView
from app.ui.identify.candidates import Ranked, crops_of
from modal_backend.models.evidence.chance import proven

AT_FIRST = 6
AHEAD = 2
VIEWS_SENT = 24
UNRANKED: dict[str, Any] = {"probability": None, "raw": None, "matches": None}


@dataclass(frozen=True, slots=True)
class Shown:
    """A query as the match view wants it.

    evidence: by crop id. stages: by crop whose evidence is looked at first, how much of it is still to come.
    """

    query: dict[str, Any]
    candidates: list[dict[str, Any]]
    evidence: dict[int, EvidenceView] = field(default_factory=dict)
    stages: dict[int, int] = field(default_factory=dict)

    def evidence_sent(self) -> dict[int, dict[str, Any]]:
        """The evidence as plain values."""
        return {crop: _plain(view) for crop, view in self.evidence.items()}


@dataclass(frozen=True, slots=True)
class Around:
    """What lies around ranked queries. boxes, crops: by id. views: by query and individual, ids of its other crops,
    best first. bursts: by query without a decision, ids of the crops that are decided with it."""

    boxes: dict[int, BoxView]
    crops: dict[int, dict[str, Any]]
    views: dict[int, dict[int, list[int]]]
    bursts: dict[int, list[int]]


def detailed(
    session: Session,
    queries: Sequence[Ranked],
    *,
    by_image: bool,
    one_flank: bool,
    show_rejected: bool,
    look: int | None = None,
) -> list[Shown]:
    """Add what was computed about the crops of ranked queries, read for all of them at once.

    Args:
        queries: the one on the screen, then those that follow it; at least one.
        look: a crop whose evidence is wanted besides.
    """
    around = _around(session, queries, one_flank)
    shown = [
        Shown(
            {**ranked.query, "ranked": ranked.fresh, "burst": _burst(ranked, around)},
            _candidates(session, ranked, around, by_image=by_image, show_rejected=show_rejected),
        )
        for ranked in queries
    ]
    wanted: dict[int, list[int]] = {}
    seen: dict[int, list[int]] = {}
    for place, page in enumerate(shown):
        ids = [int(candidate["id"]) for candidate in page.candidates]
        first = [*([look] if look else []), *ids[:AT_FIRST]] if place == 0 else ids[:AHEAD]
        wanted[page.query["id"]] = list(dict.fromkeys(first))
        seen[page.query["id"]] = list(dict.fromkeys([*first, *ids[:VIEWS_SENT]]))
    evidence = kept.evidence_of(session, seen, around.boxes)
    stages = kept.stages_of(session, wanted, evidence)
    _add_quality_and_masks(session, shown)
    _add_proposals(session, shown, evidence)
    for page in shown:
        found, first = evidence[page.query["id"]], wanted[page.query["id"]]
        page.evidence.update({crop: view for crop, view in found.items() if crop in first})
        page.evidence.update({crop: _without_lines(view) for crop, view in found.items() if crop not in first})
        page.stages.update(stages[page.query["id"]])
        for candidate in page.candidates:
            raise_to_proven(candidate, found.get(int(candidate["id"])))
    return shown


def conflict_items(session: Session, conflicts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Contradictions with pictures of the crops they are about."""
    wanted = {crop for conflict in conflicts for crop in conflict["crops"]}
    found = boxes(session, wanted)
    return [
        {
            **conflict,
            "id": conflict["key"],
            "crops": [
                {"id": crop, "src": deps.box_crop_url(found[crop]), "name": found[crop].individual}
                for crop in conflict["crops"]
                if crop in found
            ],
        }
        for conflict in conflicts
    ]


def raise_to_proven(candidate: dict[str, Any], evidence: EvidenceView | None) -> None:
    """Let no candidate's probability be below what the features that agree on the animals prove by themselves."""
    if evidence is None or evidence.warning or candidate["probability"] is None:
        return
    agreeing = evidence.by_rapid.animal
    least = proven(agreeing)
    if least > candidate["probability"]:
        candidate |= {"probability": round(least, 4), "proven": agreeing}


def _around(session: Session, queries: Sequence[Ranked], one_flank: bool) -> Around:
    named = {int(ranked.query["id"]): _individuals(ranked) for ranked in queries}
    of_flank: dict[str, set[int]] = {}
    for ranked in queries:
        of_flank.setdefault(ranked.query["flank"], set()).update(named[ranked.query["id"]])
    best = {
        flank: views_of(session, individuals, flank, one_flank=one_flank)
        for flank, individuals in of_flank.items()
        if individuals
    }
    views = {
        ranked.query["id"]: {
            individual: [crop for crop in best[ranked.query["flank"]][individual] if crop != ranked.query["id"]]
            for individual in named[ranked.query["id"]]
        }
        for ranked in queries
    }
    bursts = bursts_of(session, [int(ranked.query["id"]) for ranked in queries if not ranked.query["decided"]])
    beside = {crop for of_query in views.values() for crops in of_query.values() for crop in crops}
    new = boxes(session, beside.union(*bursts.values()) - queries[0].boxes.keys())
    return Around({**queries[0].boxes, **new}, {**queries[0].crops, **crops_of(session, new)}, views, bursts)


def _individuals(ranked: Ranked) -> set[int]:
    return {int(candidate["individual_id"]) for candidate in ranked.candidates if candidate["individual_id"]}


def _burst(ranked: Ranked, around: Around) -> list[dict[str, Any]]:
    """The crops that are decided together with the query, unless a person decides it alone."""
    crops = around.bursts.get(ranked.query["id"], [])
    return [{"id": crop, "src": around.crops[crop]["src"]} for crop in crops]


def _candidates(
    session: Session, ranked: Ranked, around: Around, *, by_image: bool, show_rejected: bool
) -> list[dict[str, Any]]:
    """The candidates, each with the other crops of its individual; by image, these are candidates of their own."""
    candidates = [dict(candidate) for candidate in ranked.candidates]
    views = {
        individual: [around.crops[crop] for crop in crops if crop in around.crops]
        for individual, crops in around.views[ranked.query["id"]].items()
    }
    if by_image:
        candidates = [image for candidate in candidates for image in _images(candidate, views)]
    else:
        for candidate in candidates:
            candidate["views"] = [_as_view(candidate), *map(_as_view, _others(candidate, views))]
    if show_rejected:
        candidates += _rejected(session, int(ranked.query["id"]), {candidate["id"] for candidate in candidates})
    return candidates


def _plain(evidence: EvidenceView) -> dict[str, Any]:
    """Evidence as a plain value; its lines are not copied, which takes longer than all the rest of the page."""
    values = {part.name: getattr(evidence, part.name) for part in fields(evidence)}
    return values | {"other": _plain(evidence.other) if evidence.other else None}


def _without_lines(evidence: EvidenceView) -> EvidenceView:
    return replace(evidence, lines=[], other=None)


def _images(candidate: dict[str, Any], views: Mapping[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    unranked = {**UNRANKED, "models": {}, "by_way_of": [], "origin": f"also {candidate['name']}"}
    return [candidate, *({**candidate, **view, **unranked} for view in _others(candidate, views))]


def _others(candidate: Mapping[str, Any], views: Mapping[int, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The other crops of a candidate's individual."""
    return [view for view in views.get(candidate["individual_id"] or 0, []) if view["id"] != candidate["id"]]


def _rejected(session: Session, query_id: int, present: Collection[int]) -> list[dict[str, Any]]:
    ids = [number for number in rejected(session, query_id) if number not in present]
    found = boxes(session, ids)
    items = crops_of(session, found)
    return [
        {
            **items[number],
            "name": found[number].individual,
            "individual_id": found[number].individual_id,
            **UNRANKED,
            "model": "",
            "verdict": "different",
            "origin": "rejected before",
            "views": [],
        }
        for number in ids
        if number in items
    ]


def _as_view(crop: Mapping[str, Any]) -> dict[str, Any]:
    return {name: crop[name] for name in ("id", "src", "flank", "facts")}


def _add_quality_and_masks(session: Session, shown: Sequence[Shown]) -> None:
    candidates = [candidate for page in shown for candidate in page.candidates]
    # The first view is the candidate itself.
    others = [view for candidate in candidates for view in candidate.get("views", [])[1:]]
    items = [*(page.query for page in shown), *candidates, *others]
    ids = {int(item["id"]) for item in items}
    known, masks = quality.of(session, ids), kept.masks(session, ids)
    for item in items:
        number = int(item["id"])
        item["quality"] = quality.words(known[number]) if number in known else []
        item["mask"] = masks.get(number)


def _add_proposals(
    session: Session, shown: Sequence[Shown], evidence: Mapping[int, Mapping[int, EvidenceView]]
) -> None:
    """Add the flank that each query without one seems to show."""
    unknown = [int(page.query["id"]) for page in shown if page.query["flank"] == "unknown"]
    decided = flanks.flanks_of(session, {crop for query_id in unknown for crop in evidence[query_id]})
    proposals = {query_id: flanks.by_pattern(evidence[query_id], decided) for query_id in unknown}
    mirrored = flanks.by_mirror(session, [query_id for query_id in unknown if proposals[query_id] is None])
    for page in shown:
        proposal = proposals.get(page.query["id"]) or mirrored.get(page.query["id"])
        page.query["proposal"] = asdict(proposal) if proposal else None
