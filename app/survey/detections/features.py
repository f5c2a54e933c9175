"""Which crops a model has described, with which of its versions, and which crops it still lacks.

Features of the same model, version, weights and preprocessing count together, whichever backend computed them. The
version in use is that of the newest feature; crops that only an older version has described wait to be described again.
The profiles of RAPID count as versions of one model where "rapid" asks for the local features in use: those of the
survey's profile (`rapid_profile`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.database import slices
from app.survey.detections import rapid_profile
from app.survey.detections.boxes import IS_ANIMAL, NOT_REJECTED, boxes
from app.survey.detections.replaced import replaced
from app.survey.detections.results import box_key
from app.survey.media import imports
from app.survey.tables.decisions import Decision
from app.survey.tables.detections import Detection, DetectionReview, Feature, ModelVersion
from modal_backend.contracts import Category, Provenance
from modal_backend.registry import LOCAL, LOCAL_FINE, MODELS, Task

# Kinds of decisions that give a box another place.
MOVES = ("move", "whole")


def feature_version(session: Session, model: str) -> int | None:
    """Id of the model version the newest feature of this model comes from; stands for all that are `alike`.

    Of RAPID's profiles that of the newest feature, unless another one was chosen and has described crops.
    """
    names = profiles(model)
    chosen = rapid_profile.chosen(session) if len(names) > 1 else None
    found = newest_version(session, (chosen,)) if chosen else None
    return found if found is not None else newest_version(session, names)


def newest_version(session: Session, names: Sequence[str]) -> int | None:
    """Id of the model version the newest feature of the models with these very names comes from."""
    newest = sa.select(sa.func.max(Feature.id)).where(Feature.model_version_id == ModelVersion.id).scalar_subquery()
    versions = sa.select(ModelVersion.id, newest).where(ModelVersion.model.in_(names))
    written = {version_id: feature for version_id, feature in session.execute(versions) if feature is not None}
    return max(written, key=lambda version_id: written[version_id]) if written else None


def profiles(model: str) -> tuple[str, ...]:
    """The names that count as this model: all profiles of RAPID for one of them."""
    return (LOCAL, LOCAL_FINE) if model in (LOCAL, LOCAL_FINE) else (model,)


def local_model(session: Session) -> str:
    """Name of the local features in use: those of the newest crop."""
    version_id = feature_version(session, LOCAL)
    return LOCAL if version_id is None else session.get_one(ModelVersion, version_id).model


def embeddings_of(session: Session) -> list[str]:
    """Names of the embeddings that have described crops of this survey and are known to this program."""
    used = sa.select(sa.literal(1)).where(Feature.model_version_id == ModelVersion.id).exists()
    names = sa.select(ModelVersion.model).where(ModelVersion.task == str(Task.EMBED), used).distinct()
    return sorted(name for name in session.scalars(names) if name in MODELS)


def alike(session: Session, version_id: int) -> list[int]:
    """Ids of the model versions that differ from this one by their backend alone, itself among them."""
    mine = session.get_one(ModelVersion, version_id)
    return alike_to(
        session, Provenance(mine.backend, mine.model, mine.version, mine.weights_sha256, mine.preprocessing)
    )


def alike_to(session: Session, provenance: Provenance) -> list[int]:
    """Ids of the model versions that differ from this one by their backend alone."""
    same = {name: getattr(provenance, name) for name in ("model", "version", "weights_sha256", "preprocessing")}
    return list(session.scalars(sa.select(ModelVersion.id).filter_by(**same).order_by(ModelVersion.id)))


def of_model(session: Session, version_id: int) -> list[int]:
    """Ids of all versions of this one's model, whatever they were."""
    mine = session.get_one(ModelVersion, version_id)
    ids = sa.select(ModelVersion.id).where(ModelVersion.task == mine.task, ModelVersion.model.in_(profiles(mine.model)))
    return list(session.scalars(ids))


def lacking(
    session: Session,
    model: str,
    versions: Collection[int] | None = None,
    *,
    among: Collection[int] | None = None,
    limit: int | None = None,
) -> list[int]:
    """Ids, in order, of the animals whose present box this model has not described by its present version.

    Counted are crops that were never described, were described before their box moved, only by an older version, or
    only by other models; not those that were replaced. Boxes that no model has described count when a person drew,
    accepted or moved them; while an import is open, crops that this model has never described do not: they are on
    their way.

    Args:
        model: name of the model; the profiles of RAPID are models of their own here.
        versions: ids of its present version; without them that of its newest feature.
        among: look at these detections only, whoever drew them.
        limit: most ids to return.
    """
    present = present_versions(session, model) if versions is None else versions
    query = _without_features(session, model, present, among).order_by(Detection.id).limit(limit)
    found = {*session.scalars(query), *_with_features_of_another_box(session, present, among)}
    return sorted(found)[:limit]


def lacking_count(session: Session, model: str, versions: Collection[int] | None = None) -> int:
    """How many animals `lacking` would return without a limit."""
    present = present_versions(session, model) if versions is None else versions
    query = _without_features(session, model, present, None)
    without = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    return without + len(_with_features_of_another_box(session, present, None))


def present_versions(session: Session, model: str) -> list[int]:
    """Ids of the versions alike that of the newest feature of this very model; empty while it has described nothing."""
    newest = newest_version(session, (model,))
    return [] if newest is None else alike(session, newest)


def _without_features(
    session: Session, model: str, present: Collection[int], among: Collection[int] | None
) -> sa.Select[Any]:
    review = DetectionReview
    described = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(present))
    query = (
        sa.select(Detection.id)
        .outerjoin(review, review.detection_id == Detection.id)
        .where(
            IS_ANIMAL,
            NOT_REJECTED,
            Detection.id.not_in(described),
            Detection.id.not_in(replaced()),
        )
    )
    if among is not None:
        return query.where(Detection.id.in_(among))
    by_a_model = sa.select(Feature.detection_id)
    if imports.any_open(session):
        versions = sa.select(ModelVersion.id).where(ModelVersion.model.in_(profiles(model)))
        by_a_model = by_a_model.where(Feature.model_version_id.in_(versions))
    by_a_person = sa.or_(Detection.drawn_by.is_not(None), review.verdict == "accepted", review.x.is_not(None))
    return query.where(sa.or_(Detection.id.in_(by_a_model), by_a_person))


def _with_features_of_another_box(
    session: Session, present: Collection[int], among: Collection[int] | None
) -> set[int]:
    """Animals that a person moved, or moved and moved back, and whose newest features are of another box."""
    moved = _moved(session) if among is None else set(among)
    boxes_described: dict[int, str] = {}
    for chunk in slices(sorted(moved)):
        rows = sa.select(Feature.detection_id, Feature.box).where(
            Feature.detection_id.in_(chunk), Feature.model_version_id.in_(present)
        )
        boxes_described.update({row.detection_id: row.box for row in session.execute(rows.order_by(Feature.id))})
    return {
        view.id
        for view in boxes(session, boxes_described).values()
        if view.category == Category.ANIMAL
        and view.verdict != "rejected"
        and box_key(view.box) != boxes_described[view.id]
    }


def _moved(session: Session) -> set[int]:
    moved = set(session.scalars(sa.select(DetectionReview.detection_id).where(DetectionReview.x.is_not(None))))
    undone = sa.select(Decision.changes).where(Decision.kind.in_(MOVES), Decision.undone_at.is_not(None))
    for changes in session.scalars(undone):
        rows = [change["after"] or change["before"] for change in changes if change["table"] == "detection_review"]
        moved.update(int(row["detection_id"]) for row in rows)
    return moved
