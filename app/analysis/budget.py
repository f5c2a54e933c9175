"""The month's budget for Modal: a call that would pass it waits until the month ends or a person raises it."""

from __future__ import annotations

import threading
import time

from app.survey.calls.spending import Spending, estimate, this_month
from app.survey.database import Survey
from modal_backend.errors import BudgetUsedUp

# For so long what the ledger said counts, and what was asked since.
READ_AGAIN_SECONDS = 5.0


class Budget:
    """Dollars a calendar month (UTC), of all workers of a survey together. Safe in threads.

    Several workers learn of each other's calls after READ_AGAIN_SECONDS, and may pass it by as much as they ask then.
    """

    def __init__(self, survey: Survey, dollars: float) -> None:
        self._survey, self._dollars = survey, dollars
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._month = Spending(0.0, 0.0, {})
        self._asked = 0.0

    def require(self, model: str, items: int) -> None:
        """Count a call that is about to be sent. Raises BudgetUsedUp where there is no room for it."""
        with self._lock:
            if time.monotonic() - self._read_at > READ_AGAIN_SECONDS:
                with self._survey.read() as session:
                    self._month = this_month(session)
                self._read_at, self._asked = time.monotonic(), 0.0
            wanted = estimate(self._month.seconds_an_item, model, items)
            used = self._month.spent + self._month.under_way + self._asked
            if used + wanted > self._dollars:
                raise BudgetUsedUp(
                    f"the month's budget of {self._dollars:g} USD is used up ({used:.2f} spent or asked for, about"
                    f" {wanted:.2f} wanted).",
                    remedy="Raise PUGMARK_MODAL_BUDGET, or let models run here: PUGMARK_BACKEND=embedded.",
                )
            self._asked += wanted
