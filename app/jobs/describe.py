"""Crops whose features come from an older version of a model, or that an embedding taken into use later has not seen,
are described again: a slice a job, so that imports come between, until none is left. Until then they keep waiting for
their decisions as before.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.analysis import pictures
from app.analysis.context import Workshop
from app.ingest.refusals import Refused
from app.survey.detections.features import (
    alike,
    feature_version,
    newest_version,
    outdated,
    outdated_count,
    profiles,
    unseen,
    unseen_count,
)
from app.survey.media import imports
from app.survey.tables.detections import Feature, ModelVersion
from modal_backend.contracts import Provenance
from modal_backend.embedded import EmbeddedBackend
from modal_backend.registry import EMBEDDING, LOCAL

log = logging.getLogger("pugmark.worker")
DESCRIBING = (LOCAL, EMBEDDING)
SLICE = 400


def job_id(session: Session, embeddings: Collection[str] = ()) -> str | None:
    """Names the job that is due, by versions and how many crops wait; None when none does.

    embeddings: those in use. While an import is open its crops are not counted as unseen: they are on their way. The
    same state gives the same name: a slice that got nowhere is not tried again until something changes.
    """
    waiting: list[tuple[object, int]] = [
        (feature_version(session, model), outdated_count(session, model)) for model in DESCRIBING
    ]
    added = set(embeddings) - {EMBEDDING}
    if added and not imports.any_open(session):
        waiting += [(model, unseen_count(session, model, LOCAL)) for model in sorted(added)]
    if not any(count for _, count in waiting):
        return None
    return "again-" + "-".join(f"{version}.{count}" for version, count in waiting)


def slice_of(session: Session, embeddings: Collection[str] = ()) -> list[int]:
    """The next crops to describe again. embeddings: those in use."""
    older = {one for model in DESCRIBING for one in outdated(session, model, limit=SLICE)}
    new = {one for model in set(embeddings) - {EMBEDDING} for one in unseen(session, model, LOCAL, limit=SLICE)}
    return sorted(older | new)[:SLICE]


def describe_slice(shop: Workshop) -> int:
    """Describe the next crops again here; returns how many were. Raises BackendError."""
    with shop.survey.read() as session:
        ids = slice_of(session, shop.choose().embeddings)
    done = 0
    for group in pictures.batches(ids):
        try:
            pictures.describe_boxes(shop, group)
        except (Refused, OSError) as error:
            log.warning("Crops %s cannot be described again: %s", group, error)
            continue
        done += len(group)
    drop_older(shop, ids)
    return done


def drop_older(shop: Workshop, detection_ids: list[int]) -> None:
    """Forget what older versions said about those of these crops that the present version has described.

    Where both profiles of RAPID are kept, neither is an older version of the other.
    """
    local = [(name,) for name in profiles(LOCAL)] if shop.choose().finer else [profiles(LOCAL)]
    with shop.survey.write() as session:
        for names in (*local, (EMBEDDING,)):
            version = newest_version(session, names)
            if version is None:
                continue
            present = alike(session, version)
            of_names = session.scalars(sa.select(ModelVersion.id).where(ModelVersion.model.in_(names)))
            older = sorted(set(of_names) - set(present))
            anew = sa.select(Feature.detection_id).where(Feature.model_version_id.in_(present))
            session.execute(
                sa.delete(Feature).where(
                    Feature.model_version_id.in_(older),
                    Feature.detection_id.in_(detection_ids),
                    Feature.detection_id.in_(anew),
                )
            )


def begin_again(shop: Workshop) -> None:
    """Where this program's models are newer than the newest features: describe one crop, which makes the rest wait.

    Only the embedded backend can tell before its first answer.
    """
    choice = shop.choose()
    if not isinstance(shop.backend, EmbeddedBackend):
        return
    if choice.finer is not None:
        _forget_older(shop, shop.backend.provenance(choice.finer))
    for model in DESCRIBING:
        in_use = choice.local if model == LOCAL else model
        with shop.survey.read() as session:
            version = newest_version(session, (in_use,)) if choice.finer else None
            version = version or feature_version(session, model)
            if version is None or _is(session.get_one(ModelVersion, version), shop.backend.provenance(in_use)):
                continue
            newest = session.scalar(
                sa.select(Feature.detection_id)
                .where(Feature.model_version_id == version)
                .order_by(Feature.id.desc())
                .limit(1)
            )
        if newest is not None:
            pictures.describe_boxes(shop, [newest])


def _forget_older(shop: Workshop, finer: Provenance) -> None:
    """Drop what an older version of the finer profile said: it is computed anew when there is nothing else to do."""
    with shop.survey.write() as session:
        known = session.scalars(sa.select(ModelVersion).where(ModelVersion.model == finer.model))
        old = [row.id for row in known if not _is(row, finer)]
        if old:
            session.execute(sa.delete(Feature).where(Feature.model_version_id.in_(old)))


def _is(row: ModelVersion, provenance: Provenance) -> bool:
    return (row.version, row.weights_sha256, row.preprocessing) == (
        provenance.version,
        provenance.weights_sha256,
        provenance.preprocessing,
    )
