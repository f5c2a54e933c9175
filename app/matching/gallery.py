"""The worker's gallery of crops, kept in step with the survey, and rankings of queries against it.

Up to FULL crops RAPID compares a query with all of them. Above, it runs on a shortlist: the crops of the scope whose
embeddings are nearest, a few of each individual; their features are read from the survey when they are needed.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.matching import calibrate, matched
from app.matching.candidates import Answer, Group, Key, fuse_groups, mean_odds
from app.matching.embedding_gallery import LEADERS, EmbeddingGallery
from app.matching.feature_sync import FeatureSync, changed_sightings
from app.matching.shortlist import LONG, LONG_FINE, shortlist
from app.matching.vectors import Near
from app.survey.database import Survey
from app.survey.detections import results
from app.survey.detections.features import alike, embeddings_of, feature_version
from app.survey.detections.matches import Pair
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.tables.detections import Feature, ModelVersion
from app.survey.tables.individuals import Sighting
from modal_backend.contracts import LocalFeatures, Provenance
from modal_backend.models.probability.calibration import FUSED, FUSION_VERSION
from modal_backend.registry import LOCAL, Task

FULL = 5_000


class NotDescribed(Exception):
    """The crop has no features yet, so it cannot be ranked."""


class Gallery:
    """All described crops of a survey. Safe to use from several threads."""

    def __init__(self, survey: Survey, full: int = FULL) -> None:
        self.survey, self.full = survey, full
        self._local = FeatureSync(LOCAL)
        self._embedded: dict[str, EmbeddingGallery] = {}
        self._names: dict[int, int] = {}
        self._decisions = (0, 0.0)
        self._stamp = ""
        self._lock = threading.Lock()
        self._forget()

    def _forget(self, local: str = LOCAL) -> None:
        from modal_backend.models.rapid.gallery import STARTS, RapidGallery

        self._local_model = local
        self._rapid: Any = RapidGallery(start=STARTS[local])
        self._embedded = {}
        self._stamp = ""
        self._local.forget()

    def warm_up(self) -> None:
        """Bring the gallery into memory before the first query. Does nothing while no crop is described."""
        with self._lock, self.survey.read() as session:
            if feature_version(session, LOCAL) is not None:
                self._follow(session, rankings.stamp(session))
                for embedded in self._embedded.values():
                    embedded.vectors.prepare()
                    embedded.fit_known()
                if self._rapid is not None:
                    self._rapid.prepare()

    def __len__(self) -> int:
        return self._most_embedded() if self._rapid is None else len(self._rapid)

    def rank(self, detection_id: int, scope: Scope, *, matching: bool = False, last: bool = False) -> list[Pair]:
        """Rank one query within a scope by every model and fused, and store the rankings. Raises NotDescribed.

        Args:
            matching: the matcher ranks the first candidates anew, as far as it has looked at them.
            last: no other order will come, whatever the matcher has not looked at.

        Returns:
            The pairs of crops that the matcher has still to look at.
        """
        with self._lock, self.survey.read() as session:
            now = rankings.stamp(session)
            version = self._follow(session, now)
            answer = self._answer(session, detection_id, version, scope)
            curves = calibrate.in_use(session)
            left = matched.add(session, detection_id, answer, curves, last=last) if matching else []
            versions = {model: feature_version(session, model) for model in answer.models}
        lists = fuse_groups(answer.groups, answer.models, curves)
        with self.survey.write() as session:
            versions[FUSED] = _fused_version(session, versions)
            for model, candidates in lists.items():
                version_id = versions[model]
                assert version_id is not None
                rankings.store_ranking(
                    session,
                    detection_id,
                    version_id,
                    scope,
                    stamp=now,
                    gallery_size=answer.gallery_size,
                    in_scope=answer.in_scope,
                    known_probability=answer.known.get(model),
                    settled=not left or last,
                    candidates=candidates,
                )
        return left

    def _answer(self, session: Session, detection_id: int, version: int, scope: Scope) -> Answer:
        features = self._features(session, detection_id, version)
        within, left_out = rankings.allowed(session, detection_id, scope)
        known: dict[str, float | None] = {}
        groups: dict[Key, Group] = {}
        seen = self._near(session, detection_id, within, left_out)
        if self._rapid is not None:
            found = self._rapid.rank(features, within=within, exclude=left_out, top=10 * LEADERS)
            usual = self._rapid.usual
            members = self._local.crops
            in_scope = len(members - left_out if within is None else (within & members) - left_out)
        else:
            found, usual = self._on_shortlist(session, features, seen), {}
            in_scope = max((int(near.mask.sum()) for near in seen.values()), default=0)
        _take_votes(groups, found, self._local_model, usual)
        known[self._local_model] = found.known_probability
        for model, near in seen.items():
            known[model] = self._embedded[model].score(groups, near)
        known[FUSED] = mean_odds([value for value in known.values() if value is not None])
        return Answer(groups, [self._local_model, *seen], known, len(self), in_scope, within, left_out)

    def _near(
        self, session: Session, detection_id: int, within: set[int] | None, left_out: set[int]
    ) -> dict[str, Near]:
        """By embedding that has described the query: the crops of the scope nearest to it."""
        vectors = {model: embedded.vector(session, detection_id) for model, embedded in self._embedded.items()}
        return {
            model: self._embedded[model].near(vector, within, left_out)
            for model, vector in vectors.items()
            if vector is not None
        }

    def _on_shortlist(self, session: Session, features: LocalFeatures, seen: dict[str, Near]) -> Any:
        from modal_backend.models.rapid.gallery import STARTS, RapidGallery

        small = RapidGallery(exact_rows=10**9, start=STARTS[self._local_model], fixed=True)
        if not seen:
            return small.rank(features)
        widest = max(seen, key=lambda model: len(self._embedded[model]))
        vectors, near = self._embedded[widest].vectors, seen[widest]
        length = LONG if self._local_model == LOCAL else LONG_FINE
        places = shortlist(near.cosines, np.ones(len(near.rows), bool), vectors.individuals[near.rows], length)
        chosen = vectors.ids[near.rows[places]].tolist()
        for row in self._local.rows_of(session, chosen):
            name = self._names.get(row.detection_id)
            small.add(row.detection_id, results.local_features(row), None if name is None else str(name))
        return small.rank(features, top=10 * LEADERS)

    def _follow(self, session: Session, stamp: str) -> int:
        """Read what has changed in the survey; returns the model version of the local features."""
        version = feature_version(session, LOCAL)
        if version is None:
            raise NotDescribed("No crop has been described yet.")
        if stamp == self._stamp:
            return version
        models = [
            self._local.is_of_another_version,
            *(gallery.is_of_another_version for gallery in self._embedded.values()),
        ]
        local = session.get_one(ModelVersion, version).model
        if local != self._local_model or any(changed(session) for changed in models):
            self._forget(local)
        self._rename(session)
        if _features_part(stamp) == _features_part(self._stamp):
            self._stamp = stamp
            return version
        self._follow_vectors(session)
        if self._local.size(session) > self.full and self._most_embedded() > self.full:
            self._rapid = None
        elif self._rapid is None:
            self._forget(local)
            self._follow_vectors(session)
        if self._rapid is not None:
            self._follow_local(session)
        self._stamp = stamp
        return version

    def _follow_vectors(self, session: Session) -> None:
        for model in embeddings_of(session):
            embedded = self._embedded.setdefault(model, EmbeddingGallery(model, self.full))
            embedded.follow(session, self._names)

    def _most_embedded(self) -> int:
        return max((len(embedded) for embedded in self._embedded.values()), default=0)

    def _follow_local(self, session: Session) -> None:
        for gone in self._local.gone(session):
            self._rapid.remove(gone)
        for row in self._local.new_rows(session):
            if row.detection_id in self._rapid:
                self._rapid.remove(row.detection_id)
            name = self._names.get(row.detection_id)
            self._rapid.add(row.detection_id, results.local_features(row), None if name is None else str(name))

    def _rename(self, session: Session) -> None:
        changed, self._decisions = changed_sightings(session, self._decisions)
        rows = sa.select(Sighting.detection_id, Sighting.individual_id)
        if changed is not None:
            rows = rows.where(Sighting.detection_id.in_(changed))
        names = {row.detection_id: row.individual_id for row in session.execute(rows)}
        for detection_id in self._names.keys() | names.keys() if changed is None else changed:
            name = names.get(detection_id)
            if self._names.get(detection_id) == name:
                continue
            if name is None:
                self._names.pop(detection_id)
            else:
                self._names[detection_id] = name
            if self._rapid is not None and detection_id in self._rapid:
                self._rapid.name(detection_id, None if name is None else str(name))
            for embedded in self._embedded.values():
                if detection_id in embedded.vectors:
                    embedded.vectors.name(detection_id, name)

    def _features(self, session: Session, detection_id: int, version: int) -> LocalFeatures:
        rows = sa.select(Feature).where(
            Feature.detection_id == detection_id, Feature.model_version_id.in_(alike(session, version))
        )
        row = session.scalar(rows.order_by(Feature.id.desc()).limit(1))
        if row is None:
            raise NotDescribed(f"Crop {detection_id} has not been described yet.")
        return results.local_features(row)


def _take_votes(groups: dict[Key, Group], found: Any, model: str, usual: dict[str, float]) -> None:
    for scored in found.identities:
        group = Group(scored.identity, scored.best_crop_id, {model: scored.score}, scored.matches)
        group.crops[scored.best_crop_id] = {model: scored.score}
        group.usual[model] = usual.get(scored.identity, 0.0)
        groups[group.key] = group
    for candidate in found.candidates:
        if candidate.identity is not None and (candidate.identity, 0) in groups:
            groups[candidate.identity, 0].crops[candidate.crop_id] = {model: candidate.score}
        elif candidate.identity is None:
            group = Group(None, candidate.crop_id, {model: candidate.score}, candidate.matches)
            groups[group.key] = group


def _features_part(stamp: str) -> tuple[str, ...]:
    """What of a stamp can change the features: the newest one, the last undo (of a drawn box), RAPID's profile."""
    features, _, *rest = stamp.split("-") if stamp else ("", "")
    return (features, *rest)


def _fused_version(session: Session, versions: dict[str, int | None]) -> int:
    """The row that stands for the fusion of these model versions; its backend is the one their features come from."""
    rows = [session.get_one(ModelVersion, version) for version in versions.values() if version is not None]
    made_of = " + ".join(f"{row.model} {row.version}" for row in rows)
    backend = rows[0].backend if rows else "embedded"
    return results.model_version(session, Task.FUSE, Provenance(backend, FUSED, FUSION_VERSION, "", made_of)).id
