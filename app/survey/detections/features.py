"""Which crops a model has described, and with which of its versions.

Features of the same model, version, weights and preprocessing count together, whichever backend computed them. The
version in use is that of the newest feature; crops that only an older version has described wait to be described again.
The profiles of RAPID count as versions of one model here: "rapid" asks for the local features in use. Where the worker
keeps both (`local_profile`), that is the one it chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.detections import rapid_profile
from app.survey.tables.detections import Detection, DetectionReview, Feature, ModelVersion
from modal_backend.contracts import Category
from modal_backend.registry import LOCAL, LOCAL_FINE, MODELS, Task


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
    versions = sa.select(ModelVersion.id).where(ModelVersion.model.in_(names))
    newest = {
        version_id: session.scalar(sa.select(sa.func.max(Feature.id)).where(Feature.model_version_id == version_id))
        for version_id in session.scalars(versions)
    }
    written = {version_id: feature for version_id, feature in newest.items() if feature is not None}
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
    told = sa.select(sa.literal(1)).where(Feature.model_version_id == ModelVersion.id).exists()
    names = sa.select(ModelVersion.model).where(ModelVersion.task == str(Task.EMBED), told).distinct()
    return sorted(name for name in session.scalars(names) if name in MODELS)


def alike(session: Session, version_id: int) -> list[int]:
    """Ids of the model versions that differ from this one by their backend alone, itself among them."""
    mine = session.get_one(ModelVersion, version_id)
    same = {
        "task": mine.task,
        "model": mine.model,
        "version": mine.version,
        "weights_sha256": mine.weights_sha256,
        "preprocessing": mine.preprocessing,
    }
    return list(session.scalars(sa.select(ModelVersion.id).filter_by(**same).order_by(ModelVersion.id)))


def of_model(session: Session, version_id: int) -> list[int]:
    """Ids of all versions of this one's model, whatever they were."""
    mine = session.get_one(ModelVersion, version_id)
    ids = sa.select(ModelVersion.id).where(ModelVersion.task == mine.task, ModelVersion.model.in_(profiles(mine.model)))
    return list(session.scalars(ids))


def outdated(session: Session, model: str, *, after: int = 0, limit: int = 1000) -> list[int]:
    """Animals described by an older version of the model only, in the order of their ids from `after` on."""
    where = _outdated(session, model)
    if where is None:
        return []
    ids = sa.select(Feature.detection_id).where(*where, Feature.detection_id > after).distinct()
    return list(session.scalars(ids.order_by(Feature.detection_id).limit(limit)))


def outdated_count(session: Session, model: str) -> int:
    """How many animals wait to be described again, because the model's version has changed."""
    where = _outdated(session, model)
    if where is None:
        return 0
    return session.scalar(sa.select(sa.func.count(sa.distinct(Feature.detection_id))).where(*where)) or 0


def unseen(session: Session, model: str, described_by: str, *, limit: int) -> list[int]:
    """Crops that one model has described and another one (`model`) has not, in the order of their ids."""
    ids = _unseen(model, described_by)
    return list(session.scalars(ids.order_by(Feature.detection_id).limit(limit)))


def unseen_count(session: Session, model: str, described_by: str) -> int:
    """How many crops one model has described and another one (`model`) has not."""
    return session.scalar(sa.select(sa.func.count()).select_from(_unseen(model, described_by).subquery())) or 0


def _unseen(model: str, described_by: str) -> Any:
    seen, described = (
        sa.select(Feature.detection_id).join(ModelVersion).where(ModelVersion.model.in_(profiles(name))).correlate(None)
        for name in (model, described_by)
    )
    return described.where(Feature.detection_id.not_in(seen)).distinct()


def _outdated(session: Session, model: str) -> Sequence[sa.ColumnElement[bool]] | None:
    """What holds for features that wait for a newer one; None when every version is alike."""
    version_id = feature_version(session, model)
    if version_id is None:
        return None
    present = alike(session, version_id)
    older = set(of_model(session, version_id)) - set(present)
    if not older:
        return None
    anew = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(present))
    return [Feature.model_version_id.in_(older), Feature.detection_id.not_in(anew), *still_animals()]


def still_animals() -> Sequence[sa.ColumnElement[bool]]:
    """What holds for features of boxes that show an animal as they stand now: those that can be described again."""
    dropped = sa.select(DetectionReview.detection_id).where(
        sa.or_(
            DetectionReview.verdict == "rejected",
            sa.and_(DetectionReview.category.is_not(None), DetectionReview.category != str(Category.ANIMAL)),
        )
    )
    animals = sa.select(Detection.id).where(Detection.category == str(Category.ANIMAL))
    return [
        Feature.detection_id.not_in(dropped),
        sa.or_(
            Feature.detection_id.in_(animals),
            Feature.detection_id.in_(
                sa.select(DetectionReview.detection_id).where(DetectionReview.category == str(Category.ANIMAL))
            ),
        ),
    ]
