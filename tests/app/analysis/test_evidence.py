"""Evidence in the survey: computed by the worker from the crops, kept by pair, and out of date when a box moves."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from app.analysis import evidence as worker
from app.analysis import evidence_by_matcher
from app.analysis.calls import Lane
from app.analysis.context import open_context
from app.analysis.matches import match
from app.files import crop_path
from app.matching import flanks
from app.survey.database import Survey
from app.survey.decisions import boxes as review
from app.survey.decisions import identity
from app.survey.decisions.undoing import undo
from app.survey.detections import best_views, quality, results
from app.survey.detections import evidence as kept
from app.survey.detections.boxes import boxes
from app.survey.detections.results import crop_name
from app.survey.tables.evidence import CropOutline, CropQuality, PairEvidence
from modal_backend.contracts import Box
from modal_backend.models.matcher.features import XFeatReader
from modal_backend.registry import MATCH_FEATURES
from tests.support.striped import picture as striped
from tests.support.surveys import add_media, found


@pytest.fixture
def context(survey: Survey):
    with open_context(survey, "test") as context:
        yield context


def cut(survey: Survey, detection_id: int, picture: np.ndarray) -> None:
    """Put a crop's picture where the worker looks for it."""
    with survey.read() as session:
        view = boxes(session, [detection_id])[detection_id]
    path = crop_path(survey.data_dir, crop_name(view.id, view.box))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, "JPEG", quality=90)


def striped_crops(survey: Survey, animals: list[int]) -> list[int]:
    ids = []
    for shot, animal in enumerate(animals):
        (detection_id,) = add_media(survey, [found()], minutes=60.0 * shot)[1]
        cut(survey, detection_id, striped(animal, shot))
        ids.append(detection_id)
    return ids


def test_a_pair_is_compared_once_and_reads_from_either_side(survey, context):
    a, b, c = striped_crops(survey, [1, 1, 2])
    worker.compare_pairs(context, [[b, a], [a, c]])
    with survey.read() as session:
        here, there = kept.evidence_of(session, {a: [b, c]})[a], kept.evidence_of(session, {b: [a]})[b]
        written = session.scalars(sa.select(PairEvidence.created_at)).all()
        assert kept.missing_pairs(session, [(a, b), (c, a), (b, c)]) == [(b, c)]
    assert here[b].animal > 3 * max(here[c].animal, 3)
    assert [line[:4] for line in there[a].lines] == [[x2, y2, x1, y1] for x1, y1, x2, y2, *_ in here[b].lines]
    worker.compare_pairs(context, [[a, b], [c, a]])
    with survey.read() as session:
        assert session.scalars(sa.select(PairEvidence.created_at)).all() == written


def test_moving_a_box_makes_its_evidence_old(survey, context):
    a, b = striped_crops(survey, [1, 1])
    worker.compare_pairs(context, [[a, b]])
    with survey.write() as session:
        review.correct_box(session, "ana", a, box=Box(0.25, 0.3, 0.3, 0.4))
    with survey.read() as session:
        assert kept.evidence_of(session, {a: [b]}) == {a: {}}
    cut(survey, a, striped(5, 0))
    worker.compare_pairs(context, [[a, b]])
    with survey.read() as session:
        assert kept.evidence_of(session, {b: [a]})[b][a].animal < 9
        assert session.scalar(sa.select(sa.func.count(PairEvidence.id))) == 1


def test_a_crop_that_cannot_be_read_says_so_in_its_evidence(survey, context, monkeypatch):
    a, b = striped_crops(survey, [1, 1])
    with survey.read() as session:
        view = boxes(session, [b])[b]
    path = crop_path(survey.data_dir, crop_name(b, Box(view.x, view.y, view.width, view.height)))
    path.write_bytes(b"not a picture")
    worker.compare_pairs(context, [[a, b]])
    with survey.read() as session:
        evidence = kept.evidence_of(session, {a: [b]})[a][b]
    assert "cannot be read" in evidence.problem
    assert (evidence.whole, evidence.animal, evidence.warning) == (0, 0, None)


def test_undoing_a_drawn_box_takes_what_was_computed_about_it_along(survey, context):
    media, (a,) = add_media(survey, [found()])
    cut(survey, a, striped(1, 0))
    with survey.write() as session:
        drawn = review.draw_box(session, "ana", media, Box(0.5, 0.5, 0.3, 0.3), "animal")
    cut(survey, drawn.detection_id, striped(1, 1))
    worker.compare_pairs(context, [[a, drawn.detection_id]])
    worker.measure_crops(context, [drawn.detection_id])
    with survey.write() as session:
        undo(session, session.merge(drawn), "ana")
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(PairEvidence.id))) == 0
        assert session.scalars(sa.select(CropOutline.detection_id)).all() == [a]
        assert session.scalars(sa.select(CropQuality.detection_id)).all() == []


def test_quality_orders_crops_says_it_in_words_and_leaves_none_out(survey, context):
    good, dark, unknown = striped_crops(survey, [1, 2, 3])
    cut(survey, dark, (striped(2, 0) * 0.08).astype(np.uint8))
    worker.measure_crops(context, [dark, good])
    with survey.read() as session:
        assert quality.by_quality(session, [unknown, dark, good]) == [good, dark, unknown]
        described = {crop: quality.words(row) for crop, row in quality.of(session, [good, dark]).items()}
    assert described[good] == ["good view"]
    assert "very dark" in described[dark]


def test_a_box_at_the_edge_and_under_another_animal_is_told(survey, context):
    from modal_backend.contracts import Category, Detection

    at_edge = Detection(Category.ANIMAL, 0.9, Box(0.0, 0.3, 0.3, 0.4))
    over_it = Detection(Category.ANIMAL, 0.9, Box(0.15, 0.3, 0.3, 0.4))
    _, (edge, _other) = add_media(survey, [at_edge, over_it])
    with survey.read() as session:
        pixels, touches, covered = quality.place_of(session, boxes(session, [edge])[edge])
    assert touches
    assert covered == pytest.approx(0.5, abs=0.01)
    assert pixels == pytest.approx((0.3 * 1600 * 0.4 * 1200) ** 0.5)


def test_a_flank_is_proposed_by_a_clear_match_with_a_decided_one_and_never_set(survey, context):
    a, b, c = striped_crops(survey, [1, 1, 2])
    with survey.write() as session:
        identity.set_flank(session, "ana", b, "left")
        identity.set_flank(session, "ana", c, "right")
    worker.compare_pairs(context, [[a, b], [a, c]])
    with survey.read() as session:
        found_ = kept.evidence_of(session, {a: [b, c]})[a]
        proposal = flanks.by_pattern(found_, flanks.flanks_of(session, [b, c]))
        assert boxes(session, [a])[a].flank is None
    assert proposal is not None
    assert proposal.flank == "left"
    assert str(found_[b].animal) in proposal.text


def test_crops_of_decided_flank_are_read_for_the_mirror_test_and_three_are_too_few(survey, context):
    ids = striped_crops(survey, [1, 2, 3, 4, 5])
    with survey.write() as session:
        for number in ids[:3]:
            identity.set_flank(session, "ana", number, "left")
    with survey.read() as session:
        assert sorted(flanks.unread(session)) == ids[:3]
        assert not flanks.enough(session)
    worker.read_crops(context, ids)
    with survey.read() as session:
        assert flanks.unread(session) == []
        assert flanks.by_mirror(session, ids[4:]) == {}
    with survey.write() as session:
        identity.set_flank(session, "ana", ids[3], "right")
    with survey.read() as session:
        assert list(flanks.by_mirror(session, ids[4:])) == ids[4:]


def test_the_views_of_an_individual_begin_with_the_querys_flank_and_leave_the_other_out(survey):
    ids = [add_media(survey, [found()], minutes=60.0 * number)[1][0] for number in range(4)]
    with survey.write() as session:
        identity.new_individual(session, "ana", ids[0])
        for crop in ids[1:]:
            identity.say_same(session, "ana", crop, ids[0])
        for crop, flank in zip(ids, ("right", "unknown", "left", "left"), strict=True):
            identity.set_flank(session, "ana", crop, flank)
        for crop, score in ((ids[2], 0.2), (ids[3], 0.9)):
            figures = {"sharpness": 1.0, "brightness": 0.4, "clipped": 0.0, "contrast": 0.2, "pixels": 300.0}
            session.add(
                CropQuality(detection_id=crop, box="", version="1", at_edge=False, covered=0.0, score=score, **figures)
            )
    with survey.read() as session:
        first = best_views.views_of(session, [1], "left", one_flank=True)
        both = best_views.views_of(session, [1], "left", one_flank=False)
    assert first == {1: [ids[3], ids[2], ids[1]]}
    assert set(both[1]) == set(ids)


@pytest.fixture
def compared(survey, context) -> tuple[int, int]:
    """Two crops of one animal that RAPID has compared and the matcher has matched, but not given its evidence of."""
    a, b = striped_crops(survey, [1, 1])
    with survey.write() as session:
        version = results.model_version(session, "matcher's features", context.backend.known_provenance(MATCH_FEATURES))
        for shot, crop in enumerate((a, b)):
            points = XFeatReader().read(striped(1, shot))
            results.store_feature(session, crop, version, boxes(session, [crop])[crop].box, points, None)
    worker.compare_pairs(context, [[a, b]])
    asyncio.run(match(context, a, [(a, b)], None, Lane()))
    return a, b


def to_come(session, query: int, candidate: int) -> int:
    wanted = {query: [candidate]}
    return kept.stages_of(session, wanted, kept.evidence_of(session, wanted))[query][candidate]


def test_the_matcher_s_evidence_stands_beside_rapid_s_and_the_stronger_comes_first(survey, context, compared):
    a, b = compared
    with survey.read() as session:
        assert kept.evidence_of(session, {a: [b]})[a][b].other is None
        assert to_come(session, a, b) == 1
    asyncio.run(evidence_by_matcher.compare(context, b, [a], "job", Lane()))
    with survey.read() as session:
        here, there = kept.evidence_of(session, {a: [b]})[a][b], kept.evidence_of(session, {b: [a]})[b][a]
        assert to_come(session, a, b) == 0
    assert {here.by, here.other.by} == {"RAPID", "matcher"}
    assert here.strength >= here.other.strength
    by_matcher = here if here.by == "matcher" else here.other
    assert by_matcher.animal > 20
    with survey.read() as session:
        assert session.scalars(sa.select(PairEvidence.matcher)).one()["alike"] > 2
    for straight, turned in ((here, there), (here.other, there.other)):
        assert [line[:4] for line in turned.lines] == [[x2, y2, x1, y1] for x1, y1, x2, y2, *_ in straight.lines]


def test_the_matcher_s_evidence_goes_with_the_box(survey, context, compared):
    a, b = compared
    with survey.write() as session:
        review.correct_box(session, "ana", a, box=Box(0.25, 0.3, 0.3, 0.4))
    asyncio.run(evidence_by_matcher.compare(context, a, [b], "job", Lane()))
    with survey.read() as session:
        assert to_come(session, a, b) == 2
        assert session.scalars(sa.select(PairEvidence.matcher)).all() == [None]
