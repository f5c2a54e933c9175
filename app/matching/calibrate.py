"""Fit each model's calibration to what has been decided in the survey so far, and read the one in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy.orm import Session

from app.survey.database import Survey
from app.survey.detections.features import embeddings_of, local_model, newest_version
from app.survey.individuals import calibrations
from app.survey.individuals.calibrations import Pair
from app.survey.tables.models import Calibration as Stored
from modal_backend.models.probability.calibration import (
    FUSED,
    FUSED_FINE,
    FUSED_MATCHED,
    FUSED_MATCHED_COARSE,
    Calibration,
    has_start,
    start,
)
from modal_backend.registry import EMBEDDING, LOCAL_FINE, MATCH_FEATURES

if TYPE_CHECKING:
    from modal_backend.models.probability.calibration_fit import Fit

FEWEST_NEW = 10


def calibrated(session: Session) -> tuple[str, ...]:
    """The models whose scores become probabilities: RAPID, every embedding that has described crops, the matcher, and
    their fusions without and with it."""
    embeddings = sorted({EMBEDDING, *embeddings_of(session)})
    fusions = (fusion(session), fusion(session, matched=True))
    return (local_model(session), *embeddings, MATCH_FEATURES, *fusions)


def fusion(session: Session, *, matched: bool = False) -> str:
    """The fusion in use, before or after the matcher has looked: each profile of RAPID has its own, whose curve knows
    no pair of the other one."""
    if local_model(session) == LOCAL_FINE:
        return FUSED_MATCHED if matched else FUSED_FINE
    return FUSED_MATCHED_COARSE if matched else FUSED


def fusion_shown(session: Session) -> str:
    """The fusion whose probabilities a person sees: with the matcher, where it has described crops."""
    return fusion(session, matched=newest_version(session, (MATCH_FEATURES,)) is not None)


def in_use(session: Session) -> dict[str, Calibration]:
    """The curve of each model: the survey's own, else the start values; a model that has neither is left out.

    Candidates know the fusions in use by one name each, FUSED, and FUSED_MATCHED with the matcher.
    """
    stored = {model: calibrations.latest(session, model) for model in calibrated(session)}
    shown = {fusion(session): FUSED, fusion(session, matched=True): FUSED_MATCHED}
    return {
        shown.get(model, model): Calibration.from_json(model, row.curve) if row is not None else start(model)
        for model, row in stored.items()
        if row is not None or has_start(model)
    }


def is_due(session: Session) -> bool:
    """Whether enough was decided since the last fit: FEWEST_NEW queries, or a tenth of them; or it is an older kind."""
    last = calibrations.latest(session, fusion(session))
    if last is not None and last.kind not in ("start", "updated"):
        return True
    known = last.queries if last else 0
    now = calibrations.decided_queries(session)
    if last is not None and last.decision_id == calibrations.last_decision(session):
        return False
    return abs(now - known) >= max(FEWEST_NEW, known // 10)


def calibrate(survey: Survey) -> None:
    """Fit all models again and store the curves; runs in the worker."""
    from modal_backend.models.probability.calibration_fit import fit

    with survey.read() as session:
        decided = {model: calibrations.decided_pairs(session, model) for model in calibrated(session)}
        queries = calibrations.decided_queries(session)
        decision_id = calibrations.last_decision(session)
    starts = {model: start(model) if has_start(model) else None for model in decided}
    fits = {model: fit(model, *_columns(pairs), starts[model]) for model, pairs in decided.items()}
    with survey.write() as session:
        for model, found in fits.items():
            if found is not None:
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
