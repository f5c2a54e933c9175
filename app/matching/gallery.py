"""The worker's gallery of crops, kept in step with the survey, and rankings of queries against it."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey import rankings, results
from app.survey.database import Survey
from app.survey.described import alike
from app.survey.detections import Feature
from app.survey.individuals import Sighting
from app.survey.rankings import Scope
from modal_backend.registry import LOCAL

LOADED_AT_ONCE = 1000
TOP = 24


class NotDescribed(Exception):
    """The crop has no features yet, so it cannot be ranked."""


class Index(Protocol):
    """What a model's gallery can do."""

    def add(self, crop_id: int, features: Any, identity: str | None = None) -> None: ...
    def remove(self, crop_id: int) -> None: ...
    def name(self, crop_id: int, identity: str | None) -> None: ...
    def rank(self, features: Any, *, within: Any = None, exclude: Any = (), top: int = 50) -> Any: ...
    def __len__(self) -> int: ...
    def __contains__(self, crop_id: int) -> bool: ...


class Gallery:
    """All described crops of a survey in one model's index. Safe to use from several threads."""

    def __init__(self, survey: Survey, model: str = LOCAL) -> None:
        self.survey, self.model = survey, model
        self._index = _new_index(model)
        self._names: dict[int, str] = {}
        self._known: dict[int, int] = {}
        self._last_feature = 0
        self._stamp = ""
        self._lock = threading.Lock()

    def rank(self, detection_id: int, scope: Scope) -> None:
        """Rank one query within a scope and store the ranking. Raises NotDescribed."""
        with self._lock, self.survey.read() as session:
            now = rankings.stamp(session)
            version = self._follow(session, now)
            features = self._features(session, detection_id, version)
            within, left_out = rankings.allowed(session, detection_id, version, scope)
            allowed = set(self._known) if within is None else within & set(self._known)
            found = self._index.rank(features, within=within, exclude=left_out, top=10 * TOP)
            size = len(self._index)
        with self.survey.write() as session:
            rankings.store_ranking(
                session,
                detection_id,
                version,
                scope,
                stamp=now,
                gallery_size=size,
                in_scope=len(allowed - left_out),
                known_probability=found.known_probability,
                candidates=_best_a_name(found),
            )

    def _follow(self, session: Session, stamp: str) -> int:
        """Take over what has changed in the survey; returns the model version of the features."""
        version = rankings.feature_version(session, self.model)
        if version is None:
            raise NotDescribed("No crop has been described yet.")
        if stamp != self._stamp:
            self._drop_gone(session, version)
            self._add_new(session, version)
            self._rename(session)
            self._stamp = stamp
        return version

    def _add_new(self, session: Session, version: int) -> None:
        while True:
            rows = list(
                session.scalars(
                    sa.select(Feature)
                    .where(Feature.model_version_id.in_(alike(session, version)), Feature.id > self._last_feature)
                    .order_by(Feature.id)
                    .limit(LOADED_AT_ONCE)
                )
            )
            for row in rows:
                if row.detection_id in self._index:
                    self._index.remove(row.detection_id)
                self._index.add(row.detection_id, _value(self.model, row), self._names.get(row.detection_id))
                self._known[row.detection_id] = row.id
                self._last_feature = row.id
            session.expunge_all()
            if len(rows) < LOADED_AT_ONCE:
                return

    def _drop_gone(self, session: Session, version: int) -> None:
        there = sa.select(sa.func.count(Feature.id)).where(
            Feature.model_version_id.in_(alike(session, version)), Feature.id <= self._last_feature
        )
        if session.scalar(there) == len(self._known):
            return
        alive = set(session.scalars(sa.select(Feature.id).where(Feature.model_version_id.in_(alike(session, version)))))
        for detection_id in [one for one, feature_id in self._known.items() if feature_id not in alive]:
            self._index.remove(detection_id)
            del self._known[detection_id]

    def _rename(self, session: Session) -> None:
        rows = session.execute(sa.select(Sighting.detection_id, Sighting.individual_id))
        names = {row.detection_id: str(row.individual_id) for row in rows}
        for detection_id in self._names.keys() | names.keys():
            if self._names.get(detection_id) != names.get(detection_id) and detection_id in self._index:
                self._index.name(detection_id, names.get(detection_id))
        self._names = names

    def _features(self, session: Session, detection_id: int, version: int) -> Any:
        row = session.scalar(
            sa.select(Feature).where(
                Feature.detection_id == detection_id, Feature.model_version_id.in_(alike(session, version))
            )
        )
        if row is None:
            raise NotDescribed(f"Crop {detection_id} has not been described yet.")
        return _value(self.model, row)


def _new_index(model: str) -> Index:
    if model == LOCAL:
        from modal_backend.models.rapid_gallery import RapidGallery

        return RapidGallery()
    raise ValueError(f"{model} has no gallery.")


def _value(model: str, row: Feature) -> Any:
    return results.local_features(row) if model == LOCAL else results.embedding(row)


def _best_a_name(found: Any) -> list[dict[str, Any]]:
    """One candidate a named individual (its best crop, the individual's score) and every unnamed crop, best first."""
    named = [
        {"crop_id": one.best_crop_id, "identity": one.identity, "score": one.score, "matches": one.matches}
        for one in found.identities
    ]
    unnamed = [asdict(one) for one in found.candidates if one.identity is None]
    return sorted(named + unnamed, key=lambda one: -one["score"])[:TOP]
