"""Rankings in the survey: every model and their fusion, scopes, names, decisions, the shortlist."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import sqlalchemy as sa

from app.matching.gallery import Gallery, NotDescribed
from app.matching.shortlist import A_NAME, shortlist
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.decisions.kinds import IDENTITY
from app.survey.decisions.undoing import undo_last
from app.survey.detections import features as described
from app.survey.detections import results
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.tables.detections import Detection, DetectionReview, Feature, ModelVersion, Ranking
from app.survey.tables.media import Media
from app.survey.tables.models import Calibration
from modal_backend.contracts import Box, LocalFeatures, Provenance
from modal_backend.models.rapid.features import PROFILES, extract
from modal_backend.registry import EMBEDDING, LOCAL, LOCAL_FINE
from tests.support import surveys
from tests.support.striped import picture
from tests.support.surveys import add_media, found

VECTORS = Provenance("embedded", EMBEDDING, "test", "0" * 64, "test")


@lru_cache(maxsize=256)
def coat(animal: int, shot: int) -> LocalFeatures:
    return extract(picture(animal, shot))


def vector(animal: int, shot: int) -> np.ndarray:
    """A unit vector near that of the animal's other shots."""
    base = np.random.default_rng(animal).normal(size=1280)
    moved = base + 0.4 * np.random.default_rng([animal, shot]).normal(size=1280)
    return (moved / np.linalg.norm(moved)).astype(np.float32)


def add(survey: Survey, animal: int, shot: int, *, minutes: float, local=surveys.LOCAL, embedding=VECTORS) -> int:
    """A crop of an animal, described by both models."""
    crop = add_media(survey, [found()], minutes=minutes)[1][0]
    with survey.write() as session:
        box = Box(0.2, 0.3, 0.3, 0.4)
        version = results.model_version(session, "local features", local)
        results.store_feature(session, crop, version, box, coat(animal, shot), None)
        if embedding:
            version = results.model_version(session, "embed", embedding)
            results.store_feature(session, crop, version, box, vector(animal, shot), None)
    return crop


@pytest.fixture
def crops(survey: Survey) -> dict[tuple[int, int], int]:
    """Three crops each of five animals, an hour apart; crops of animals 0 and 1 are named."""
    made = {
        (animal, shot): add(survey, animal, shot, minutes=60.0 * (3 * animal + shot))
        for animal in range(5)
        for shot in range(3)
    }
    with survey.write() as session:
        for animal in (0, 1):
            identity.new_individual(session, "ana", made[animal, 0], name=f"Animal {animal}")
            identity.say_same(session, "ana", made[animal, 1], made[animal, 0])
    return made


def ranked(survey: Survey, gallery: Gallery, query: int, model: str = "fused", scope: Scope | None = None) -> Ranking:
    gallery.rank(query, scope or Scope())
    with survey.read() as session:
        row = rankings.ranking(session, query, model, scope or Scope())
        assert row is not None
        return row


def test_a_second_embedding_has_its_own_ranking_and_is_fused_once_decisions_calibrate_it(survey: Survey, crops):
    name = "megadescriptor-t-224"
    with survey.write() as session:
        version = results.model_version(session, "embed", replace(VECTORS, model=name))
        for (animal, shot), crop in crops.items():
            if (animal, shot) != (3, 0):
                unit = np.eye(768, dtype=np.float32)[animal] * 0.8 + np.eye(768, dtype=np.float32)[700 + shot] * 0.6
                results.store_feature(session, crop, version, Box(0.2, 0.3, 0.3, 0.4), unit, None)
    gallery = Gallery(survey)
    best = ranked(survey, gallery, crops[0, 2], name).candidates[0]
    assert best["identity"] == "1"
    assert best["score"] == pytest.approx(0.64, abs=1e-3)
    assert best["probability"] is None
    assert best["reason"]
    fused = ranked(survey, gallery, crops[0, 2]).candidates[0]
    assert fused["models"][name]["probability"] is None
    assert fused["probability"] > 0.9
    with survey.write() as session:
        line = {"knots": [], "slope": 8.0, "bias": -4.0}
        figures = {"queries": 60, "same": 60, "different": 60, "reliability": [], "decision_id": 1}
        session.add(Calibration(model=name, kind="logistic", curve=line, **figures))
        identity.new_individual(session, "ana", crops[4, 0], name="Animal 4")
    calibrated = ranked(survey, gallery, crops[0, 2]).candidates[0]
    assert calibrated["models"][name]["probability"] > 0.9
    assert calibrated["score"] != fused["score"]
    without = ranked(survey, gallery, crops[3, 0])
    assert name not in without.candidates[0]["models"]


def test_the_finer_profile_takes_over_as_crops_are_described_again(survey: Survey, crops):
    gallery = Gallery(survey)
    coarse = ranked(survey, gallery, crops[0, 2], LOCAL)
    fine = Provenance("embedded", LOCAL_FINE, "1", "", PROFILES[LOCAL_FINE][1])
    order = sorted(crops, key=crops.get, reverse=True)
    for done, (animal, shot) in enumerate(order):
        with survey.write() as session:
            version = results.model_version(session, "local features", fine)
            features = extract(picture(animal, shot), PROFILES[LOCAL_FINE][0])
            results.store_feature(session, crops[animal, shot], version, Box(0.2, 0.3, 0.3, 0.4), features, None)
        with survey.read() as session:
            assert described.local_model(session) == LOCAL_FINE
            assert described.lacking(session, LOCAL_FINE) == sorted(crops[key] for key in order[done + 1 :])
            assert set(rankings.waiting(session, described.feature_version(session, LOCAL))) == {
                crop for key, crop in crops.items() if key[0] > 1 or key[1] == 2
            }
    row = ranked(survey, gallery, crops[0, 2], LOCAL_FINE)
    assert row.candidates[0]["identity"] == "1"
    assert set(row.candidates[0]["models"]) == {LOCAL_FINE, EMBEDDING, "fused"}
    assert row.candidates[0]["probability"] > 0.9
    assert row.candidates[0]["matches"] > coarse.candidates[0]["matches"]


def test_one_job_ranks_by_every_model_and_fused(survey: Survey, crops):
    gallery = Gallery(survey)
    for model in (LOCAL, EMBEDDING, "fused"):
        row = ranked(survey, gallery, crops[0, 2], model)
        best = row.candidates[0]
        assert best["crop_id"] in (crops[0, 0], crops[0, 1])
        assert best["identity"] == "1"
        assert set(best["models"]) == {LOCAL, EMBEDDING, "fused"}
        assert best["models"][model] == {"score": best["score"], "probability": best["probability"]}
        assert best["probability"] > 0.9
        assert row.candidates[1]["probability"] < best["probability"] - 0.1
        assert row.known_probability > 0.5
        assert [candidate["score"] for candidate in row.candidates] == sorted(
            (candidate["score"] for candidate in row.candidates), reverse=True
        )
        assert row.in_scope == row.gallery_size - 1 == 14


def test_without_embeddings_rapid_ranks_alone_and_is_its_own_fusion(survey: Survey):
    made = [
        add(survey, animal, shot, minutes=60.0 * animal + shot, embedding=None)
        for animal in range(3)
        for shot in (0, 1)
    ]
    gallery = Gallery(survey)
    row = ranked(survey, gallery, made[0])
    assert row.candidates[0]["crop_id"] == made[1]
    assert set(row.candidates[0]["models"]) == {LOCAL, "fused"}
    with survey.read() as session:
        assert rankings.ranking(session, made[0], EMBEDDING, Scope()) is None


def test_a_crop_nobody_described_is_refused(survey: Survey, crops):
    fresh = add_media(survey, [found()], minutes=9000)[1][0]
    with pytest.raises(NotDescribed):
        Gallery(survey).rank(fresh, Scope())


def test_candidates_described_on_another_backend_are_found(survey: Survey):
    first = add(survey, 0, 0, minutes=0)
    elsewhere = {"local": replace(surveys.LOCAL, backend="modal"), "embedding": replace(VECTORS, backend="modal")}
    second = add(survey, 0, 1, minutes=60, **elsewhere)
    add(survey, 1, 0, minutes=120, **elsewhere)
    gallery = Gallery(survey)
    assert ranked(survey, gallery, first).candidates[0]["crop_id"] == second
    assert ranked(survey, gallery, second).candidates[0]["crop_id"] == first


def test_names_given_and_undone_reach_a_warm_gallery(survey: Survey, crops):
    gallery = Gallery(survey)
    gallery.warm_up()
    assert ranked(survey, gallery, crops[2, 2]).candidates[0]["identity"] is None
    with survey.write() as session:
        identity.new_individual(session, "ana", crops[2, 0], name="Newcomer")
    row = ranked(survey, gallery, crops[2, 2])
    assert row.candidates[0]["identity"] == "3"
    with survey.write() as session:
        undo_last(session, "ana", IDENTITY.words)
    assert "3" not in [candidate["identity"] for candidate in ranked(survey, gallery, crops[2, 2]).candidates]


def test_new_crops_and_changed_boxes_reach_a_warm_gallery(survey: Survey, crops):
    gallery = Gallery(survey)
    gallery.warm_up()
    newcomer = add(survey, 3, 7, minutes=5000)
    assert ranked(survey, gallery, newcomer).candidates[0]["crop_id"] in {crops[3, shot] for shot in range(3)}
    with survey.write() as session:
        version = results.model_version(session, "local features", surveys.LOCAL)
        results.store_feature(session, newcomer, version, Box(0.1, 0.1, 0.5, 0.5), coat(4, 9), None)
    assert ranked(survey, gallery, newcomer, LOCAL).candidates[0]["crop_id"] in {crops[4, shot] for shot in range(3)}


def test_a_drawn_box_that_was_undone_leaves_the_gallery(survey: Survey, crops):
    gallery = Gallery(survey)
    gallery.warm_up()
    with survey.write() as session:
        session.execute(sa.delete(Feature).where(Feature.detection_id == crops[0, 1]))
        identity.set_flank(session, "ana", crops[4, 0], "unknown")
        undo_last(session, "ana", IDENTITY.words)
    row = ranked(survey, gallery, crops[0, 2])
    assert crops[0, 1] not in [candidate["crop_id"] for candidate in row.candidates]
    assert row.gallery_size == 14


def test_a_rejected_pair_is_not_proposed_again(survey: Survey, crops):
    gallery = Gallery(survey)
    assert crops[2, 0] in [candidate["crop_id"] for candidate in ranked(survey, gallery, crops[2, 2]).candidates]
    with survey.write() as session:
        identity.say_pair(session, "ana", crops[2, 2], crops[2, 0], "different")
        identity.say_pair(session, "ana", crops[2, 2], crops[0, 0], "different")
    for model in (LOCAL, EMBEDDING, "fused"):
        row = ranked(survey, gallery, crops[2, 2], model)
        assert crops[2, 0] not in [candidate["crop_id"] for candidate in row.candidates]
        assert "1" not in [candidate["identity"] for candidate in row.candidates]


def test_unidentifiable_and_rejected_crops_are_no_candidates(survey: Survey, crops):
    with survey.write() as session:
        identity.set_identity_state(session, "ana", crops[2, 0], "unidentifiable")
        session.add(DetectionReview(detection_id=crops[2, 1], verdict="rejected", who="ana"))
    proposed = {candidate["crop_id"] for candidate in ranked(survey, Gallery(survey), crops[2, 2]).candidates}
    assert not proposed & {crops[2, 0], crops[2, 1]}


def test_days_leave_only_crops_near_in_time(survey: Survey, crops):
    row = ranked(survey, Gallery(survey), crops[4, 2], scope=Scope(days=0))
    assert row.in_scope == 0
    with survey.write() as session:
        day_later = sa.update(Media).where(
            Media.id == sa.select(Detection.media_id).where(Detection.id == crops[0, 0]).scalar_subquery()
        )
        session.execute(day_later.values(taken_at=surveys.START.replace(year=2025)))
    row = ranked(survey, Gallery(survey), crops[4, 2], scope=Scope(days=30))
    assert row.in_scope == 13
    with survey.read() as session:
        within, _ = rankings.allowed(session, crops[4, 2], Scope(days=30))
    assert within == set(crops.values()) - {crops[0, 0]}


def test_another_species_is_left_out_only_where_both_are_labelled(survey: Survey, crops):
    with survey.write() as session:
        session.add(DetectionReview(detection_id=crops[3, 0], species="Leopard", who="ana"))
        session.add(DetectionReview(detection_id=crops[3, 1], species="tiger", who="ana"))
    with survey.read() as session:
        assert crops[3, 1] not in rankings.allowed(session, crops[3, 0], Scope(species=False))[1]
        left_out = rankings.allowed(session, crops[3, 0], Scope())[1]
    assert crops[3, 1] in left_out
    assert crops[2, 0] not in left_out
    assert ranked(survey, Gallery(survey), crops[3, 0]).in_scope == 13


def test_above_the_limit_a_shortlist_finds_the_same_animal(survey: Survey, crops):
    whole, short = Gallery(survey), Gallery(survey, full=5)
    for query in (crops[0, 2], crops[3, 1], crops[4, 0]):
        full = ranked(survey, whole, query, LOCAL)
        few = ranked(survey, short, query, LOCAL)
        assert few.candidates[0]["crop_id"] == full.candidates[0]["crop_id"]
        assert few.in_scope == full.in_scope
        animal = next(animal for (animal, _), crop in crops.items() if crop == query)
        best = ranked(survey, short, query).candidates[0]["crop_id"]
        assert best in {crops[animal, shot] for shot in range(3)}


def test_a_shortlist_keeps_a_few_of_each_individual_and_stays_in_scope():
    cosines = np.linspace(1, 0, 1000, dtype=np.float32)
    individuals = np.where(np.arange(1000) < 500, 7, np.where(np.arange(1000) < 900, -1, 8))
    mask = np.ones(1000, bool)
    mask[:3] = False
    rows = shortlist(cosines, mask, individuals, 450)
    assert (np.diff(cosines[rows]) <= 0).all()
    assert list(rows[:A_NAME]) == list(range(3, 3 + A_NAME))
    assert (individuals[rows] == 7).sum() == (individuals[rows] == 8).sum() == A_NAME
    assert (individuals[rows] == -1).sum() == 400


def test_a_newer_version_of_the_embedding_empties_only_its_own_part(survey: Survey, crops):
    gallery = Gallery(survey)
    gallery.warm_up()
    newer = replace(VECTORS, version="2")
    fresh = add(survey, 0, 5, minutes=9000, embedding=newer)
    row = ranked(survey, gallery, fresh)
    assert row.gallery_size == 16
    assert row.candidates[0]["identity"] == "1"
    assert row.candidates[0]["models"][EMBEDDING] == {"score": None, "probability": None}
    assert row.candidates[0]["probability"] > 0.9
    with survey.read() as session:
        versions = session.scalars(sa.select(ModelVersion.version).where(ModelVersion.model == EMBEDDING)).all()
    assert set(versions) == {"test", "2"}
