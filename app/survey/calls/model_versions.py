"""Model versions side by side: how much each has done, how long a call took, and what people said of its boxes."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.calls.overview import percentile
from app.survey.tables.calls import Call
from app.survey.tables.detections import Analysis, Detection, DetectionReview, Feature, ModelVersion

NEWEST = 2000


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """One version of a model on one backend.

    Attributes:
        results: media analysed or crops described. calls, p50 (seconds a call), per_input (median seconds an input):
            over its newest calls that the ledger still has.
        accepted, rejected, unsure: what people said of its boxes; None for models that give no boxes.
    """

    id: int
    task: str
    model: str
    version: str
    backend: str
    results: int
    calls: int
    p50: float | None
    per_input: float | None
    accepted: int | None
    rejected: int | None
    unsure: int | None

    @property
    def acceptance(self) -> float | None:
        """Share of the accepted among the boxes that people accepted or rejected."""
        if self.accepted is None or self.rejected is None or not self.accepted + self.rejected:
            return None
        return self.accepted / (self.accepted + self.rejected)


def versions(session: Session) -> list[VersionFigures]:
    """Every version that gave a result, by task and then newest first."""
    rows = session.scalars(sa.select(ModelVersion).order_by(ModelVersion.task, ModelVersion.id.desc())).all()
    analysed, described = _counts(session, Analysis), _counts(session, Feature)
    verdicts = _verdicts(session)
    found = []
    for row in rows:
        results = analysed.get(row.id, 0) + described.get(row.id, 0)
        if not results:
            continue
        boxes = row.id in analysed
        of_boxes = verdicts.get(row.id, {})
        calls, p50, per_input = _pace(session, Analysis if boxes else Feature, row.id)
        found.append(
            VersionFigures(
                id=row.id,
                task=row.task,
                model=row.model,
                version=row.version,
                backend=row.backend,
                results=results,
                calls=calls,
                p50=p50,
                per_input=per_input,
                accepted=of_boxes.get("accepted", 0) if boxes else None,
                rejected=of_boxes.get("rejected", 0) if boxes else None,
                unsure=of_boxes.get("unsure", 0) if boxes else None,
            )
        )
    return found


def _counts(session: Session, table: type[Analysis] | type[Feature]) -> dict[int, int]:
    query = sa.select(table.model_version_id, sa.func.count()).group_by(table.model_version_id)
    return {row[0]: row[1] for row in session.execute(query)}


def _verdicts(session: Session) -> dict[int, dict[str, int]]:
    """What people said, by version and verdict; a media a person accepted counts for the boxes it confirmed."""
    query = (
        sa.select(Analysis.model_version_id, DetectionReview.verdict, sa.func.count())
        .select_from(DetectionReview)
        .join(Detection, Detection.id == DetectionReview.detection_id)
        .join(Analysis, Analysis.id == Detection.analysis_id)
        .where(DetectionReview.verdict.is_not(None))
        .group_by(Analysis.model_version_id, DetectionReview.verdict)
    )
    found: dict[int, dict[str, int]] = {}
    for version, verdict, count in session.execute(query):
        found.setdefault(version, {})[str(verdict)] = count
    return found


def _pace(
    session: Session, table: type[Analysis] | type[Feature], version: int
) -> tuple[int, float | None, float | None]:
    newest = (
        sa.select(table.call_id)
        .where(table.model_version_id == version, table.call_id.is_not(None))
        .order_by(table.id.desc())
        .limit(NEWEST)
        .subquery()
    )
    length = (Call.finished_at - Call.started_at).label("length")
    rows = session.execute(
        sa.select(length, Call.items).where(
            Call.id.in_(sa.select(newest.c.call_id)), Call.started_at.is_not(None), Call.finished_at.is_not(None)
        )
    ).all()
    spans = sorted(span or 0.0 for span, _ in rows)
    each = sorted((span or 0.0) / max(items, 1) for span, items in rows)
    return len(rows), percentile(spans, 0.5), percentile(each, 0.5)
