"""Fit each model's calibration to what has been decided in the survey so far, and read the one in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.orm import Session

from app.survey import calibrations
from app.survey.calibrations import Calibration as Stored
from app.survey.calibrations import Pair
from app.survey.database import Survey
from modal_backend.models.calibration import FUSED, Calibration, start
from modal_backend.registry import EMBEDDING, LOCAL

if TYPE_CHECKING:
    from modal_backend.models.calibration_fit import Fit

CALIBRATED = (LOCAL, EMBEDDING, FUSED)
FEWEST_NEW = 10


def in_use(session: Session) -> dict[str, Calibration]:
    """The curve of each model: the survey's own, or the start values."""
    stored = {model: calibrations.latest(session, model) for model in CALIBRATED}
    return {
        model: Calibration.from_json(model, row.curve) if row is not None else start(model)
        for model, row in stored.items()
    }


def is_due(session: Session) -> bool:
    """Whether enough was decided since the last fit: FEWEST_NEW queries, or a tenth of them."""
    last = calibrations.latest(session, FUSED)
    known = last.queries if last else 0
    now = calibrations.decided_queries(session)
    if last is not None and last.decision_id == calibrations.last_decision(session):
        return False
    return abs(now - known) >= max(FEWEST_NEW, known // 10)


def calibrate(survey: Survey) -> None:
    """Fit all models again and store the curves; runs in the worker."""
    from modal_backend.models.calibration_fit import fit

    with survey.read() as session:
        decided = {model: calibrations.decided_pairs(session, model) for model in CALIBRATED}
        queries = calibrations.decided_queries(session)
        decision_id = calibrations.last_decision(session)
    fits = {model: fit(model, *_columns(pairs), start(model)) for model, pairs in decided.items()}
    with survey.write() as session:
        for model, found in fits.items():
            session.add(_row(model, found, decided[model], queries, decision_id))


def _columns(pairs: list[Pair]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.array([pair.score for pair in pairs], float),
        np.array([pair.same for pair in pairs], bool),
        np.array([pair.query_id for pair in pairs], np.int64),
    )


def _row(model: str, found: Fit, pairs: list[Pair], queries: int, decision_id: int) -> Stored:
    same = sum(pair.same for pair in pairs)
    return Stored(
        model=model,
        kind=found.kind,
        curve=found.curve.as_json(),
        queries=queries,
        same=same,
        different=len(pairs) - same,
        brier=found.brier,
        brier_line=found.brier_line,
        reliability=[list(point) for point in found.reliability],
        decision_id=decision_id,
    )
