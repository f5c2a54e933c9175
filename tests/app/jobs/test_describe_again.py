"""Features of another backend count; crops that lack some are described, and none vanishes until then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from app.analysis import pictures
from app.analysis.calls import Lane
from app.analysis.context import Context, open_context
from app.analysis.model_choice import Choice
from app.jobs import describe as described_again
from app.survey.database import Survey
from app.survey.detections import features, results
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.media import imports
from app.survey.tables.detections import Detection, Feature, ModelVersion
from app.survey.tables.media import ImportBatch, ImportState, Media
from modal_backend.contracts import Box, Provenance
from modal_backend.embedded import EmbeddedBackend
from modal_backend.registry import EMBEDDING, LOCAL
from tests.support import surveys
from tests.support.striped import card
from tests.support.surveys import add_media, describe, found
from tests.support.taken_in import describe_slice, take_in_pictures

ON_MODAL = replace(surveys.LOCAL, backend="modal")
NEWER = replace(surveys.LOCAL, version="2")
VECTORS = replace(surveys.LOCAL, model=EMBEDDING)
BOX = Box(0.2, 0.3, 0.3, 0.4)


def crops(survey: Survey, provenances: list[Provenance]) -> list[int]:
    made = []
    for number, provenance in enumerate(provenances):
        crop = add_media(survey, [found()], minutes=60.0 * number)[1][0]
        describe(survey, crop, number, provenance)
        with survey.write() as session:
            version = results.model_version(session, "embed", VECTORS)
            results.store_feature(session, crop, version, BOX, np.ones(1280, np.float32), None)
        made.append(crop)
    return made


@pytest.fixture
def idle(survey: Survey):
    """A context that knows no more about its models than their features tell, as one on Modal."""
    with open_context(survey, "test") as context:
        context.backend = TellsNothing()
        yield context


class TellsNothing(EmbeddedBackend):
    """A backend whose answers alone tell the versions of its models."""

    def known_provenance(self, _model: str) -> None:
        return None


def due(survey: Survey, context: Context, *embeddings: str) -> str | None:
    context.choose = lambda: Choice(embeddings=embeddings or (EMBEDDING,))
    with survey.read() as session:
        return described_again.job_id(session, context)


def test_crops_described_by_two_backends_are_one_gallery(survey: Survey, idle: Context):
    made = crops(survey, [surveys.LOCAL, ON_MODAL, surveys.LOCAL])
    with survey.read() as session:
        version = feature_version(session, LOCAL)
        assert rankings.waiting(session, version) == made
        assert rankings.waiting_count(session, version) == 3
        assert len(features.alike(session, version)) == 2
        within, _ = rankings.allowed(session, made[0], rankings.Scope(station=True))
        assert within == set(made)
        assert features.lacking_count(session, LOCAL) == 0
    assert due(survey, idle) is None


def test_a_crop_that_both_backends_described_waits_once(survey: Survey):
    (crop,) = crops(survey, [surveys.LOCAL])
    describe(survey, crop, 9, ON_MODAL)
    with survey.read() as session:
        version = feature_version(session, LOCAL)
        assert rankings.waiting_count(session, version) == len(rankings.waiting(session, version)) == 1


def test_crops_of_an_older_version_keep_waiting_and_are_told(survey: Survey, idle: Context):
    old, older_too, new = crops(survey, [surveys.LOCAL, ON_MODAL, NEWER])
    with survey.read() as session:
        version = feature_version(session, LOCAL)
        assert session.get_one(ModelVersion, version).version == "2"
        assert rankings.waiting(session, version) == [old, older_too, new]
        assert features.lacking(session, LOCAL) == [old, older_too]
        assert features.lacking_count(session, LOCAL) == 2
    assert due(survey, idle).endswith(f"{EMBEDDING}.0-{LOCAL}.2")


def test_going_back_to_an_earlier_version_makes_it_the_present_one(survey: Survey):
    crops(survey, [surveys.LOCAL, NEWER])
    describe(survey, add_media(survey, [found()])[1][0], 5, surveys.LOCAL)
    with survey.read() as session:
        version = feature_version(session, LOCAL)
        assert session.get_one(ModelVersion, version).version == surveys.LOCAL.version
        assert features.lacking_count(session, LOCAL) == 1


@pytest.fixture
def context(survey: Survey, tmp_path: Path):
    """A context whose survey holds three stored pictures with a drawn animal each."""
    folder = card(tmp_path / "card")
    with open_context(survey, "test") as context:
        with survey.write() as session:
            batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
        take_in_pictures(context, batch.id, folder)
        with survey.write() as session:
            for media_id in session.scalars(sa.select(Media.id)).all():
                box = {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0}
                session.add(Detection(media_id=media_id, drawn_by="ana", category="animal", confidence=1.0, **box))
        yield context


def test_a_job_describes_older_crops_again_until_none_waits(survey: Survey, context: Context):
    with survey.read() as session:
        drawn = list(session.scalars(sa.select(Detection.id).where(Detection.drawn_by == "ana")))
    asyncio.run(pictures.describe_boxes(context, drawn, None, Lane()))
    with survey.write() as session:
        session.execute(sa.update(ModelVersion).where(ModelVersion.model.in_([LOCAL, EMBEDDING])).values(version="0"))
    with survey.read() as session:
        assert features.lacking(session, LOCAL) == []  # its features alone do not tell that there is a newer version
        left = [crop for _, ids in described_again.slice_of(session, context) for crop in ids]
        assert left == sorted(drawn)
        assert described_again.job_id(session, context) is not None
    assert describe_slice(context) == len(left)
    with survey.read() as session:
        assert described_again.job_id(session, context) is None
        version = feature_version(session, LOCAL)
        assert set(rankings.waiting(session, version)) >= set(drawn)
        gone = sa.select(sa.func.count(Feature.id)).join(ModelVersion).where(ModelVersion.version == "0")
        assert session.scalar(gone.where(Feature.detection_id.in_(left))) == 0


def test_crops_that_an_embedding_taken_into_use_later_has_not_seen_are_described_by_it(survey: Survey, idle: Context):
    first, second = crops(survey, [surveys.LOCAL, surveys.LOCAL])
    with survey.write() as session:
        version = results.model_version(session, "embed", replace(surveys.LOCAL, model="megadescriptor-t-224"))
        results.store_feature(session, second, version, Box(0.2, 0.3, 0.3, 0.4), np.ones(768, np.float32), None)
    in_use = [EMBEDDING, "megadescriptor-t-224"]
    with survey.read() as session:
        assert imports.any_open(session)
    assert due(survey, idle, *in_use) is None
    with survey.write() as session:
        session.execute(sa.update(ImportBatch).values(state=ImportState.DONE))
    assert due(survey, idle, EMBEDDING) is None
    assert due(survey, idle, *in_use) is not None
    with survey.read() as session:
        assert described_again.slice_of(session, idle) == [(["megadescriptor-t-224"], [first])]


def test_after_going_back_to_the_first_backend_the_newest_ranking_counts(survey: Survey):
    (crop,) = crops(survey, [surveys.LOCAL])
    describe(survey, crop, 1, ON_MODAL)
    values = {"gallery_size": 1, "in_scope": 0, "known_probability": None, "candidates": []}
    with survey.write() as session:
        here, there = sorted(features.alike(session, features.feature_version(session, LOCAL)))
        for version, stamp in ((here, "first"), (there, "second"), (here, "third")):
            rankings.store_ranking(session, crop, version, rankings.Scope(), stamp=stamp, **values)
            session.flush()
    with survey.read() as session:
        assert rankings.ranking(session, crop, LOCAL, rankings.Scope()).stamp == "third"
