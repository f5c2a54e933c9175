"""How well the models' probabilities are founded, in words and figures for a page. Loads no model, fits nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.matching.calibrate import fusion
from app.survey.individuals import calibrations
from modal_backend.models.probability.calibration import FUSED
from modal_backend.models.probability.calibration_fit import ENOUGH_QUERIES


@dataclass(frozen=True, slots=True)
class CalibrationState:
    """How well founded the probabilities of one model are.

    kind: start, logistic or isotonic. queries: decided so far (for a curve of its own: when it was fitted); needed: how
    many it takes for a curve of the survey's own. same, different: decided pairs behind the curve. brier: mean squared
    error of the probabilities on left-out queries; brier_line: that of a logistic line through the raw score.
    reliability: (mean probability, share that was the same, pairs) by tenths.
    """

    model: str
    kind: str
    queries: int
    needed: int
    same: int
    different: int
    brier: float | None
    brier_line: float | None
    reliability: list[tuple[float, float, int]]

    @property
    def own(self) -> bool:
        """Whether the curve comes from this survey's decisions."""
        return self.kind != "start"

    @property
    def sentence(self) -> str:
        """What the probabilities rest on."""
        if self.own:
            return f"Probabilities fitted to {self.queries:,} decisions of this survey ({self.kind} curve)."
        if self.queries < self.needed:
            progress = f"{self.queries} of {self.needed} decisions so far"
            return f"Probabilities are start values, measured on Amur tigers; {progress}."
        if self.brier_line is None and self.same and self.different:
            pairs = f"{self.same + self.different} decided pairs were ranked by this model so far"
            return (
                f"Probabilities are start values, measured on Amur tigers; {pairs}, too few for a curve of their own."
            )
        if self.same + self.different == 0:
            return (
                "Probabilities are start values, measured on Amur tigers; no decided pair was ranked by this model yet."
            )
        if min(self.same, self.different) == 0:
            missing = "different" if self.same else "same"
            return f"Probabilities are start values, measured on Amur tigers; no pair was said to be {missing} yet."
        return (
            "Probabilities are start values, measured on Amur tigers; on this survey's decisions they do best so far."
        )


def calibration_state(session: Session, model: str) -> CalibrationState:
    """What the probabilities of a model (or "fused") rest on now. Reads stored rows only."""
    row = calibrations.latest(session, fusion(session) if model == FUSED else model)
    queries = calibrations.decided_queries(session)
    if row is None:
        return CalibrationState(model, "start", queries, ENOUGH_QUERIES, 0, 0, None, None, [])
    points = [(float(mean), float(share), int(pairs)) for mean, share, pairs in row.reliability]
    if row.kind != "start":
        queries = row.queries
    return CalibrationState(
        model, row.kind, queries, ENOUGH_QUERIES, row.same, row.different, row.brier, row.brier_line, points
    )
