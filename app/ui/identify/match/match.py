"""The match view: query and chosen candidate side by side, the ranked candidates below, decided by keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from app import deps
from app.ui.shared.component import register

KEYS = {
    "← →": "choose a candidate",
    "Enter": "same individual, next crop",
    "X": "different individuals, next candidate",
    "U": "unsure about this pair, next candidate",
    "N": "new individual, next crop",
    "I": "nobody can tell who it is, next crop",
    "W": "come back to this crop later",
    "S": "decide this crop alone, without the others of its burst",
    "1 2 3 4": "the crop shows left, right, other, unknown flank",
    "↓ ↑": "next, previous crop (or J K)",
    "P L H": "pair, lines of matched features, heat map (V: lines on and off)",
    "B": "mask the background",
    "M": "the other evidence: RAPID's features or the matcher's",
    ", .": "other crops of the same individual",
    "C": "all crops of the individual beside the query",
    "O F": "turn, mirror both",
    "+ -": "zoom both, 0 fits",
    "Z": "undo",
    "?": "these keys",
}
_match = register(Path(__file__).parent, "identify")


@dataclass(frozen=True, slots=True)
class IdentifyState:
    """What the browser has to say.

    actions: everything not acknowledged yet, n rising: {n, uuid, kind, query_id, ...}. Kinds: same, different, unsure
    {candidate_id, individual_id}, new, unidentifiable, identity unsure, flank {flank, shown: the one before}, solve
    {way, about, then}, undo {undoes: uuid or None}; decisions carry the view they were made from, the model that ranked
    and seen, the as_of of what the person saw.
    query, step: the query to show is `step` places after `query` in the page's order (0: that one itself; None before
    anything was said). look: a candidate that is looked at and whose evidence has not been sent.
    turn: counts what the browser has said.
    """

    actions: list[dict[str, Any]] = field(default_factory=list)
    query: int | None = None
    step: int = 0
    look: int | None = None
    turn: int = 0


def identify_state(key: str) -> IdentifyState:
    """What the browser last sent, readable before the component is drawn."""
    sent = (st.session_state.get(key) or {}).get("identify") or {}
    query, look = sent.get("query"), sent.get("look")
    return IdentifyState(
        actions=list(sent.get("actions") or []),
        query=None if query is None else int(query),
        step=int(sent.get("step") or 0),
        look=None if look is None else int(look),
        turn=int(sent.get("turn") or 0),
    )


def match_view(
    query: Mapping[str, Any] | None,
    candidates: Sequence[Mapping[str, Any]],
    *,
    key: str,
    ack: int = 0,
    scope_text: str = "",
    upcoming: Sequence[tuple[Any, ...]] = (),
    evidence: Mapping[int, Mapping[str, Any]] | None = None,
    conflicts: Sequence[Mapping[str, Any]] = (),
    model: str = "",
    choices: str = "",
    computing: bool = False,
    last: bool = False,
    as_of: float | None = None,
) -> None:
    """Draw one query with its candidates, best first. See `identify_state`.

    query: {id (detection), src, flank, facts: [text], quality: [text], mask (24 x 24 bytes in base64) or None,
    proposal: {flank, text} or None, decided: text or None, ranked: whether its order knows every decision, settled:
    whether moreover no other order is to come}.
    candidates: {id (detection), src, name, individual_id, probability (0 to 1 or None), raw, model, matches,
    models: {name: {score, probability}}, flank, facts, quality, mask, verdict (same, different, unsure or None),
    views: optional crops of the same individual, the candidate's own first, lines: optional matched features,
    [query x, query y, candidate x, candidate y] each, relative to the two crops, by_way_of: optional undecided crops
    that look like the query and most like this candidate, {id, src} each}.
    upcoming: the queries that follow, each with its candidates and, if known, its evidence: a decision shows the next
    at once.
    evidence: by crop id of a candidate or view, the fields of EvidenceView. computing: whether evidence that is not
    there will come.
    conflicts: {id, text, chain: [text], crops: [{id, src, name}], ways: [{kind, label, about}], action}.
    model: whose ranking it is, kept with a decision. choices: names what the order depends on; while it stays and a
    query is not `settled`, the order on the screen is kept. last: whether no other query waits.
    ack: the highest n that is in the survey. as_of: when queries and candidates were read, in seconds since 1970.
    """
    _match(
        key=key,
        data={
            "store": f"{deps.survey_mark()}:{key}",
            "keys": list(KEYS.items()),
            **_compared(query, candidates, evidence),
            "upcoming": [_compared(*page) for page in upcoming],
            "conflicts": [dict(conflict) for conflict in conflicts],
            "model": model, "choices": choices, "computing": computing, "last": last,
            "scope_text": scope_text, "ack": ack, "turn": identify_state(key).turn, "as_of": as_of,
        },
    )  # fmt: skip


def _compared(
    query: Mapping[str, Any] | None,
    candidates: Sequence[Mapping[str, Any]],
    evidence: Mapping[int, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "query": dict(query) if query is not None else None,
        "candidates": [dict(candidate) for candidate in candidates],
        "evidence": {str(crop): dict(of) for crop, of in (evidence or {}).items()},
    }
