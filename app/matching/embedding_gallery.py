"""The vectors of one embedding for all crops of a survey, and the candidates nearest to a query by cosine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.matching.candidates import Group, Key
from app.matching.feature_sync import FeatureSync
from app.matching.shortlist import NEAREST
from app.matching.vectors import Near, Vectors
from app.survey.detections import results
from modal_backend.contracts import Vector
from modal_backend.registry import EMBEDDING, MODELS

LEADERS = 24


class EmbeddingGallery:
    """Vectors of all crops that one model has described. most: rows that the open-set curve is fitted to at most."""

    def __init__(self, model: str, most: int) -> None:
        self.model, self._most = model, most
        self._sync = FeatureSync(model)
        self.vectors = Vectors(MODELS[model].dimension or 0)
        self._known_curve: tuple[int, Any] = (-1, None)
        self._usual: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self.vectors)

    def is_of_another_version(self, session: Session) -> bool:
        """Whether the vectors come from another version of the model than the present one."""
        return self._sync.is_of_another_version(session)

    def follow(self, session: Session, names: dict[int, int]) -> None:
        """Read what the model has described since the last call. names: individual of each crop."""
        for gone in self._sync.gone(session):
            self.vectors.remove(gone)
        self.vectors.reserve(self._sync.size(session) - len(self.vectors))
        for detection_id, values in self._sync.new_vectors(session):
            self.vectors.put(detection_id, np.frombuffer(values, np.float32), names.get(detection_id))

    def vector(self, session: Session, detection_id: int) -> Vector | None:
        """The vector of one crop; None when the model has not described it."""
        rows = list(self._sync.rows_of(session, [detection_id]))
        return results.embedding(rows[-1]) if rows else None

    def near(self, query: Vector, within: set[int] | None, left_out: set[int]) -> Near:
        """The crops of a scope nearest to a query."""
        return self.vectors.near(query, self.vectors.allowed(within, left_out), NEAREST)

    def score(self, groups: dict[Key, Group], near: Near) -> float | None:
        """Give every group its cosine, add the nearest crops as groups of their own.

        Returns the probability that somebody named is shown; None when nothing can be said about it.
        """
        individuals, ids = self.vectors.individuals[near.rows], self.vectors.ids[near.rows]
        named = np.flatnonzero(individuals >= 0)
        names, of_place = np.unique(individuals[named], return_inverse=True)
        best = np.full(len(names), -1.0)
        np.maximum.at(best, of_place, near.cosines[named])
        order = np.argsort(-best, kind="stable")
        cosine_of = {str(names[place]): float(best[place]) for place in order}
        for place in order[:LEADERS]:
            places = named[of_place == place]
            crop = int(ids[places[near.cosines[places].argmax()]])
            group = groups.setdefault((str(names[place]), 0), Group(str(names[place]), crop))
            group.crops.setdefault(crop, {})
        unnamed = np.flatnonzero(individuals < 0)
        for place in unnamed[np.argsort(-near.cosines[unnamed], kind="stable")[:LEADERS]]:
            groups.setdefault((None, int(ids[place])), Group(None, int(ids[place])))
        self.fit_known()
        self._give_cosines(groups, near, cosine_of)
        self._give_cosines_of_crops(groups.values(), near)
        return self._known([(str(names[place]), float(best[place])) for place in order[:2]])

    def fit_known(self) -> Any:
        """The curve of "somebody named", fitted anew when enough was named since; None where nothing can be said.

        With it what each animal usually reaches.
        """
        from modal_backend.models.probability.cosine_ranking import START, known_curve
        from modal_backend.models.probability.usual import usual_cosines

        named = int((self.vectors.individuals >= 0).sum())
        fitted_with, curve = self._known_curve
        if fitted_with < 0 or abs(named - fitted_with) > max(5, fitted_with // 5):
            some = self.vectors.named(self._most)
            curve, self._usual = known_curve(*some), usual_cosines(self.model, *some)
            if curve is START and self.model != EMBEDDING:  # measured with the pocket embedding: not this model's
                curve = None
            self._known_curve = (named, curve)
        return curve

    def _known(self, nearest: list[tuple[str, float]]) -> float | None:
        from modal_backend.models.probability.cosine_ranking import cues_of

        cues = cues_of(nearest)
        curve = None if cues is None else self.fit_known()
        return None if curve is None else float(curve.probability(cues))

    def _give_cosines(self, groups: dict[Key, Group], near: Near, cosine_of: dict[str, float]) -> None:
        far = {
            int(identity)
            for group in groups.values()
            if (identity := group.identity) is not None and identity not in cosine_of
        }
        cosine_of = cosine_of | self._cosines_of(far, near)
        for group in groups.values():
            row = self.vectors.row(group.crop_id)
            if group.identity in cosine_of:
                group.scores[self.model] = cosine_of[group.identity]
                group.usual[self.model] = self._usual.get(group.identity, 0.0)
            elif row is not None and near.mask[row]:
                group.scores[self.model] = float(self.vectors.cosines(near.query, np.array([row]))[0])
            elif row is not None:
                group.scores[self.model] = -1.0

    def _give_cosines_of_crops(self, groups: Iterable[Group], near: Near) -> None:
        """Give the crops of named individuals their own cosines, those in the scope."""
        rows = [(scores, self.vectors.row(crop)) for group in groups for crop, scores in group.crops.items()]
        inside = [(scores, row) for scores, row in rows if row is not None and near.mask[row]]
        cosines = self.vectors.cosines(near.query, np.array([row for _, row in inside], np.intp))
        for (scores, _), cosine in zip(inside, cosines, strict=True):
            scores[self.model] = float(cosine)

    def _cosines_of(self, individuals: set[int], near: Near) -> dict[str, float]:
        """The best cosine of each of these individuals that the scope leaves, by its number as text."""
        rows = np.flatnonzero(near.mask & np.isin(self.vectors.individuals, list(individuals)))
        best: dict[str, float] = {}
        for name, cosine in zip(self.vectors.individuals[rows], self.vectors.cosines(near.query, rows), strict=True):
            best[str(name)] = max(best.get(str(name), -1.0), float(cosine))
        return best
