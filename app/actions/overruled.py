"""Tells a person that a decision counts in the place of one which they had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.decisions import Decision

MOST_LOOKED_AT = 50  # decisions of one person between a page's reading and a press


def overruled(session: Session, decision: Decision, seen: float | None) -> list[str]:
    """Whom a decision overrules: rows that somebody else, or another tab, signed after the page was read.

    Args:
        seen: when the page was read, in seconds since 1970.

    Returns:
        A sentence for the person, or nothing.
    """
    if seen is None or decision.undone_at is not None:
        return []
    befores = [change["before"] for change in decision.changes if change["before"]]
    newer = [row for row in befores if (row.get("decided_at") or 0.0) > float(seen)]
    others = [(str(row["who"]), row["decided_at"]) for row in newer if row.get("who", decision.who) != decision.who]
    if newer and not others:
        others = [("Another tab", row["decided_at"]) for row in newer if _of_another_tab(session, decision, row)]
    return [
        f"{who} decided about this too, at {datetime.fromtimestamp(at):%H:%M}. Yours counts now; both are in History."
        for who, at in sorted(others)[:1]
    ]


def _of_another_tab(session: Session, decision: Decision, row: Mapping[str, Any]) -> bool:
    """Whether a row as it was before a decision had been written by another tab of the same person."""
    since = sa.select(Decision).where(Decision.id < decision.id, Decision.who == decision.who)
    for earlier in session.scalars(since.order_by(Decision.id.desc()).limit(MOST_LOOKED_AT)):
        if any(change["after"] == row for change in earlier.changes):
            tabs = [(key or "").partition(".") for key in (earlier.client_key, decision.client_key)]
            return all(dot for _, dot, _ in tabs) and tabs[0][0] != tabs[1][0]
    return False
