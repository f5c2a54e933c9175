"""What Modal costs this month, by the ledger and list prices: what ran, and what is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.tables.calls import Call
from modal_backend.registry import REMOTE
from modal_backend.remote.prices import per_second

# A cold start and one batch, where the ledger does not know yet how long a model takes.
FIRST_CALL_SECONDS = 60.0
LEARNT_FROM_SECONDS = 31 * 86_400.0


@dataclass(frozen=True, slots=True)
class Spending:
    """Dollars of this calendar month (UTC).

    Attributes:
        spent: for calls that ended with a result. under_way: about what those cost that were sent and not collected.
        seconds_an_item: by model, loading included.
    """

    spent: float
    under_way: float
    seconds_an_item: dict[str, float]


def this_month(session: Session, now: datetime | None = None) -> Spending:
    """Read it from the ledger."""
    now = now or datetime.now(UTC)
    begins = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
    seconds = sa.func.coalesce(Call.run_seconds, 0.0) + sa.func.coalesce(Call.cold_start_seconds, 0.0)
    of_month = sa.func.sum(sa.case((Call.finished_at >= begins, seconds), else_=0.0))
    ended = sa.select(Call.model, of_month, sa.func.sum(seconds), sa.func.sum(Call.items)).where(
        Call.finished_at >= begins - LEARNT_FROM_SECONDS, Call.backend == "modal", Call.outcome == "done"
    )
    spent, known = 0.0, {}
    for model, month, total, items in session.execute(ended.group_by(Call.model)):
        spent += price(model, month)
        known[model] = total / max(items, 1)
    sent = sa.select(Call.model, Call.items).where(
        Call.outcome.is_(None), Call.backend == "modal", Call.remote_id.is_not(None)
    )
    under_way = sum(estimate(known, model, items) for model, items in session.execute(sent))
    return Spending(spent, under_way, known)


def estimate(seconds_an_item: dict[str, float], model: str, items: int) -> float:
    """About how many dollars a call costs."""
    return price(model, seconds_an_item[model] * items if model in seconds_an_item else FIRST_CALL_SECONDS)


def price(model: str, seconds: float) -> float:
    """What a model's seconds cost on Modal; nothing where it does not run there."""
    return seconds * per_second(model) if model in REMOTE else 0.0
