"""What has changed in a survey's features and names since the last look: new, gone, renamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections.features import alike, feature_version
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Feature

LOADED_AT_ONCE = 1000


class FeatureSync:
    """Remembers which features of one model were read, and reads the ones written since. crops: their detections."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.forget()

    def forget(self) -> None:
        """Read everything again next time."""
        self.crops: set[int] = set()
        self._version: int | None = None
        self._taken: dict[int, int] = {}
        self._last = 0

    def is_of_another_version(self, session: Session) -> bool:
        """Whether the features read so far come from another version than the present one."""
        return self._version is not None and self._version not in self._alike(session)

    def size(self, session: Session) -> int:
        """How many features of the present version there are."""
        count = sa.select(sa.func.count(Feature.id)).where(Feature.model_version_id.in_(self._alike(session)))
        return session.scalar(count) or 0

    def gone(self, session: Session) -> list[int]:
        """Crops whose features do not exist any more since the last look."""
        versions = self._alike(session)
        present = sa.and_(Feature.model_version_id.in_(versions), Feature.id <= self._last)
        if session.scalar(sa.select(sa.func.count(Feature.id)).where(present)) == len(self._taken):
            return []
        alive = {
            row.id: row.detection_id
            for row in session.execute(sa.select(Feature.id, Feature.detection_id).where(present))
        }
        left = set(alive.values())
        lost = {crop for feature_id, crop in self._taken.items() if feature_id not in alive} - left
        self._taken = alive
        self.crops -= lost
        return sorted(lost)

    def new_rows(self, session: Session) -> Iterator[Feature]:
        """Features written since the last look, oldest first."""
        versions = self._alike(session)
        while True:
            rows = list(
                session.scalars(
                    sa.select(Feature)
                    .where(Feature.model_version_id.in_(versions), Feature.id > self._last)
                    .order_by(Feature.id)
                    .limit(LOADED_AT_ONCE)
                )
            )
            for row in rows:
                self._take(row.id, row.detection_id)
                yield row
            session.expunge_all()
            if len(rows) < LOADED_AT_ONCE:
                return

    def new_vectors(self, session: Session) -> Iterator[tuple[int, bytes]]:
        """Detection and bytes of the vectors written since the last look, oldest first."""
        versions = self._alike(session)
        while True:
            rows = session.execute(
                sa.select(Feature.id, Feature.detection_id, Feature.vectors)
                .where(Feature.model_version_id.in_(versions), Feature.id > self._last)
                .order_by(Feature.id)
                .limit(LOADED_AT_ONCE)
            ).all()
            for row in rows:
                self._take(row.id, row.detection_id)
                yield row.detection_id, row.vectors
            if len(rows) < LOADED_AT_ONCE:
                return

    def rows_of(self, session: Session, detection_ids: Sequence[int]) -> Iterator[Feature]:
        """The newest feature of each of these crops by the present version; crops without one are left out."""
        versions = self._alike(session)
        for some in slices(detection_ids):
            mine = Feature.detection_id.in_(some)
            rows = session.scalars(
                sa.select(Feature).where(mine, Feature.model_version_id.in_(versions)).order_by(Feature.id)
            )
            yield from {row.detection_id: row for row in rows}.values()

    def _take(self, feature_id: int, detection_id: int) -> None:
        self._taken[feature_id] = detection_id
        self.crops.add(detection_id)
        self._last = feature_id

    def _alike(self, session: Session) -> list[int]:
        version = feature_version(session, self.model)
        if version is None:
            return []
        if self._version is None:
            self._version = version
        return alike(session, version)


def changed_sightings(session: Session, seen: tuple[int, float]) -> tuple[set[int] | None, tuple[int, float]]:
    """Detections whose individual was decided or undone since `seen` (last decision, last undo); None: look at all.

    Returns them with the present (last decision, last undo).
    """
    # One after the other: SQLite looks at an index for a single maximum only.
    last, undone = (session.scalar(sa.select(sa.func.max(column))) for column in (Decision.id, Decision.undone_at))
    now = (last or 0, undone or 0.0)
    if seen == (0, 0.0):
        return None, now
    since = sa.or_(Decision.id > seen[0], Decision.undone_at >= seen[1] if seen[1] else Decision.undone_at.is_not(None))
    changed: set[int] = set()
    for changes in session.scalars(sa.select(Decision.changes).where(since).execution_options(yield_per=20)):
        for change in changes:
            if change["table"] == "sighting":
                changed.add(int((change["after"] or change["before"])["detection_id"]))
    return changed, now
