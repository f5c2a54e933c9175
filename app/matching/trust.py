"""How well the models' probabilities are founded, in words and figures for a page. Loads no model, fits nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.matching.calibrate import fusion_shown
from app.survey.individuals import calibrations
from modal_backend.models.probability.calibration import FUSED, measured_on


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """How well founded the probabilities of one model are.

    kind: start, updated, or logistic for a model that was not measured before; surveys of earlier versions also know
    isotonic. queries: decided so far, for a curve that knows them when it was fitted. same, different: decided pairs
    behind the curve. brier: mean squared error of the probabilities on left-out queries; brier_line: that of a logistic
    line through the raw score. reliability: (mean probability, share that was the same, pairs) by tenths. measured:
    what the start curve was measured on.
    """

    model: str
    kind: str
    queries: int
    same: int
    different: int
    brier: float | None
    brier_line: float | None
    reliability: list[tuple[float, float, int]]
    measured: str

    @property
    def own(self) -> bool:
        """Whether decisions of this survey are in the curve."""
        return self.kind != "start"

    @property
    def sentence(self) -> str:
        """What the probabilities rest on."""
        if self.kind not in ("start", "updated"):
            return f"Probabilities fitted to {_many(self.queries, 'decision')} of this survey."
        before = f"Probabilities rest on curves measured on {self.measured}"
        if self.own:
            return f"{before}, moved by {_many(self.queries, 'decision')} of this survey."
        if not self.same + self.different:
            return f"{before}; no decided pair was ranked by this model yet."
        if self.same and self.different:
            return f"{before}; {_many(self.queries, 'decision')} so far do not better them."
        missing = "different" if self.same else "the same"
        return f"{before}; {_many(self.queries, 'decision')} so far, but no pair was said to be {missing} yet."


def calibration_state(session: Session, model: str) -> CalibrationState:
    """What the probabilities of a model (or "fused") rest on now. Reads stored rows only."""
    name = fusion_shown(session) if model == FUSED else model
    row = calibrations.latest(session, name)
    measured = measured_on(name)
    queries = calibrations.decided_queries(session)
    if row is None:
        return CalibrationState(model, "start", queries, 0, 0, None, None, [], measured)
    points = [(float(mean), float(share), int(pairs)) for mean, share, pairs in row.reliability]
    if row.kind != "start":
        queries = row.queries
    return CalibrationState(
        model, row.kind, queries, row.same, row.different, row.brier, row.brier_line, points, measured
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
