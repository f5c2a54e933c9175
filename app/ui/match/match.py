"""The match view: query and chosen candidate side by side, the ranked candidates below, decided by keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import deps
from app.ui.component import register

_match = register("match", ["lines", "pair", "match"])


@dataclass(frozen=True, slots=True)
class IdentifyState:
    """What the browser has to say.

    actions: everything not acknowledged yet, n rising: {n, uuid, kind, query_id, ...}. Kinds: same, different, unsure
    {candidate_id, individual_id}, new, flank {flank}, undo {undoes: uuid or None}.
    query, step: the query to show is `step` places after `query` in the page's order (0: that one itself; None before
    anything was said).
    """

    actions: list[dict[str, Any]] = field(default_factory=list)
    query: int | None = None
    step: int = 0


def identify_state(key: str) -> IdentifyState:
    """What the browser last sent, readable before the component is drawn."""
    return _parsed((st.session_state.get(key) or {}).get("identify"))


def match_view(
    query: Mapping[str, Any] | None,
    candidates: Sequence[Mapping[str, Any]],
    *,
    key: str,
    ack: int = 0,
    selected: int | None = None,
    scope_text: str = "",
    upcoming: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]] = (),
) -> IdentifyState:
    """Draw one query with its candidates, best first.

    query: {id (detection), src, flank, facts: [text], decided: text or None}.
    candidates: {id (detection), src, name, individual_id, probability (0 to 1 or None), raw, model, matches, flank,
    facts: [text], verdict (same, different, unsure or None), lines: optional matched features, [query x, query y,
    candidate x, candidate y] each, relative to the two crops}.
    upcoming: the queries that follow with their candidates; with one or two of them a decision shows the next at once.
    ack: the highest n that is in the survey. selected: candidate to choose first.
    """
    result = _match(
        key=key,
        data={
            "store": f"{deps.survey_mark()}:{key}",
            "query": dict(query) if query is not None else None,
            "candidates": [dict(one) for one in candidates],
            "upcoming": [{"query": dict(one), "candidates": [dict(c) for c in its]} for one, its in upcoming],
            "selected": selected,
            "scope_text": scope_text,
            "ack": ack,
        },
        on_identify_change=_nothing,
    )
    return _parsed(result.get("identify"))


def _parsed(value: Any) -> IdentifyState:
    if not value:
        return IdentifyState()
    query = value.get("query")
    return IdentifyState(
        actions=list(value.get("actions") or []),
        query=None if query is None else int(query),
        step=int(value.get("step") or 0),
    )


def _nothing() -> None:
    """State is read from the result; Streamlit wants a callback for it to be allowed."""
