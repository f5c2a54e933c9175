"""The matcher ranks the first candidates anew: once, from pairs that are kept, with the crops of the query's event."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from app.analysis.calls import Lane
from app.analysis.context import Context, open_context
from app.analysis.matches import match
from app.analysis.model_choice import Choice
from app.jobs.current import Current
from app.jobs.rank import RESTS, Ahead
from app.matching import matched
from app.matching.candidates import Group
from app.matching.gallery import Gallery
from app.settings import Settings
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.decisions.boxes import correct_box
from app.survey.detections import matches, results
from app.survey.detections.features import present_versions
from app.survey.detections.matches import Pair
from app.survey.individuals import rankings
from app.survey.individuals.rankings import Scope
from app.survey.media import imports
from app.survey.media.events import regroup
from app.survey.tables.calls import Call
from app.survey.tables.detections import Detection, Feature, ModelVersion, Ranking
from app.survey.tables.evidence import PairMatch
from app.survey.tables.media import ImportBatch, ImportState, Media
from modal_backend.contracts import Box, LocalFeatures, PairMatches, Provenance
from modal_backend.registry import MATCH_FEATURES, MATCHER
from tests.app.matching.test_gallery import add
from tests.support.striped import card
from tests.support.taken_in import describe_slice, take_in_pictures

POINTS = Provenance("embedded", MATCH_FEATURES, "test", "0" * 64, "test")
PAIRS = Provenance("embedded", MATCHER, "test", "0" * 64, "test")
BOX = Box(0.2, 0.3, 0.3, 0.4)


def points(count: int = 20) -> LocalFeatures:
    random = np.random.default_rng(count)
    places = random.uniform(0, 400, (count, 4)).astype(np.float16).astype(np.float32)
    return LocalFeatures(places, random.integers(0, 255, (count, 64), dtype=np.uint8), 448, 320)


def agreeing(count: int) -> PairMatches:
    pairs = np.column_stack([np.arange(count), np.arange(count)[::-1]]).astype(np.int32)
    return PairMatches(pairs, np.full(count, 0.8, np.float32), np.ones(count, bool))


def keep(survey: Survey, pairs: dict[Pair, int]) -> None:
    """Let the matcher have found so many agreeing features for these pairs."""
    with survey.write() as session:
        version = results.model_version(session, "match", PAIRS)
        for (query, other), count in pairs.items():
            keys = dict.fromkeys((query, other), results.box_key(BOX))
            matches.store(session, query, [other], [agreeing(count)], version, keys, None)


@pytest.fixture
def crops(survey: Survey) -> list[int]:
    """A query and three candidates a day apart, none of them its animal; the first candidate is named."""
    made = [
        add(survey, animal, shot, minutes=1440.0 * n)
        for n, (animal, shot) in enumerate([(9, 1), (0, 0), (1, 0), (2, 0)])
    ]
    with survey.write() as session:
        version = results.model_version(session, "matcher's features", POINTS)
        for crop in made:
            results.store_feature(session, crop, version, BOX, points(), None)
        identity.new_individual(session, "ana", made[1], name="Raja")
    return made


def beside_query(survey: Survey) -> int:
    """Another crop of the query's event."""
    crop = add(survey, 9, 2, minutes=0.2)
    with survey.write() as session:
        regroup(session, [1], 60)
    return crop


def fused(survey: Survey, query: int, scope: Scope | None = None) -> Ranking:
    with survey.read() as session:
        row = rankings.ranking(session, query, "fused", scope or Scope())
        assert row is not None
        return row


def order(row: Ranking) -> list[int]:
    return [candidate["crop_id"] for candidate in row.candidates]


def test_the_order_changes_once_when_the_matcher_has_looked_at_every_candidate(survey, crops):
    query, *others = crops
    gallery = Gallery(survey)
    left = gallery.rank(query, Scope(), matching=True)
    assert sorted(left) == [(query, other) for other in others]
    first = fused(survey, query)
    assert not first.settled
    *weaker, best = order(first)
    keep(survey, {(query, weaker[0]): 3, (query, best): 300})
    assert gallery.rank(query, Scope(), matching=True) == [(query, weaker[1])]
    assert order(fused(survey, query)) == order(first)
    keep(survey, {(query, weaker[1]): 2})
    assert gallery.rank(query, Scope(), matching=True) == []
    last = fused(survey, query)
    assert last.settled
    assert order(last)[0] == best
    assert last.candidates[0]["models"][MATCH_FEATURES]["score"] == pytest.approx(480.0, abs=2.0)
    with survey.read() as session:
        by_matcher = rankings.ranking(session, query, MATCH_FEATURES, Scope())
        assert by_matcher is not None
        assert order(by_matcher) == [best, *weaker]


def test_beside_an_import_the_matcher_has_to_look_at_the_first_candidates_only(survey, crops, monkeypatch):
    query, *others = crops
    monkeypatch.setattr(matched, "BESIDE_IMPORT", 2)
    gallery = Gallery(survey)
    gallery.rank(query, Scope())
    *first, third = order(fused(survey, query))
    keep(survey, {(query, third): 300})
    with survey.write() as session:
        imports.start_import(session, kind="folder", root="/card", label="card")
    assert sorted(gallery.rank(query, Scope(), matching=True)) == sorted((query, crop) for crop in first)
    keep(survey, dict.fromkeys([(query, crop) for crop in first], 3))
    assert gallery.rank(query, Scope(), matching=True) == []
    assert fused(survey, query).settled
    assert order(fused(survey, query))[0] == third
    assert sorted([*first, third]) == others


def test_what_the_matcher_could_not_look_at_does_not_hold_up_the_last_order(survey, crops):
    query, raja, _, third = crops
    keep(survey, {(query, third): 300})
    gallery = Gallery(survey)
    assert gallery.rank(query, Scope(), matching=True, last=True)
    row = fused(survey, query)
    assert row.settled
    assert order(row)[0] == third
    assert (
        next(candidate for candidate in row.candidates if candidate["crop_id"] == raja)["models"][MATCH_FEATURES][
            "score"
        ]
        is None
    )


def test_without_the_matcher_the_first_order_is_the_last(survey, crops):
    assert Gallery(survey).rank(crops[0], Scope()) == []
    row = fused(survey, crops[0])
    assert row.settled
    assert MATCH_FEATURES not in row.candidates[0]["models"]


def keep_votes(survey: Survey, crops: list[int], beside: int, features: int) -> None:
    """Let the matcher have found the third crop for one of the query's event, and these two alike."""
    query, raja, other, third = crops
    keep(
        survey,
        {(query, raja): 40, (query, other): 4, (query, third): 4, (query, beside): features}
        | {(beside, other): 300, (beside, raja): 2, (beside, third): 2},
    )


def test_a_crop_of_the_event_that_shows_the_same_animal_votes(survey, crops):
    beside = beside_query(survey)
    keep_votes(survey, crops, beside, 200)
    assert Gallery(survey).rank(crops[0], Scope(), matching=True) == []
    assert order(fused(survey, crops[0]))[0] == crops[2]


def test_a_crop_of_the_event_that_shows_another_animal_does_not_vote_and_is_compared_with_nobody(survey, crops):
    beside = beside_query(survey)
    keep(survey, {(crops[0], beside): 1})
    left = Gallery(survey).rank(crops[0], Scope(), matching=True)
    assert sorted(left) == [(crops[0], other) for other in crops[1:]]
    keep_votes(survey, crops, beside, 1)
    assert Gallery(survey).rank(crops[0], Scope(), matching=True) == []
    assert order(fused(survey, crops[0]))[0] == crops[1]


def test_a_crop_of_the_event_that_could_not_be_compared_with_the_query_does_not_vote(survey, crops):
    query, raja, other, third = crops
    beside = beside_query(survey)
    keep(survey, {(query, raja): 40, (query, other): 4, (query, third): 4, (beside, other): 300})
    assert (query, beside) in Gallery(survey).rank(query, Scope(), matching=True, last=True)
    assert order(fused(survey, query))[0] == raja


def test_the_best_of_an_individuals_crops_counts_less_where_they_are_of_one_event(survey, crops):
    query, raja, *more = crops
    with survey.write() as session:
        for crop in more:
            identity.say_same(session, "ana", crop, raja)
    keep(survey, {(query, raja): 20, (query, more[0]): 2, (query, more[1]): 2})

    def candidate() -> dict:
        assert Gallery(survey).rank(query, Scope(), matching=True) == []
        (found,) = fused(survey, query).candidates
        return found

    apart = candidate()
    with survey.write() as session:
        first, *rest = [session.get_one(Media, session.get_one(Detection, crop).media_id) for crop in (raja, *more)]
        for media in rest:
            media.taken_at = first.taken_at
        regroup(session, [1], 60)
    beside = candidate()
    assert beside["score"] < apart["score"] - 0.1
    assert beside["models"][MATCH_FEATURES] == apart["models"][MATCH_FEATURES]
    assert beside["probability"] < apart["probability"]


def test_every_crop_of_the_named_is_looked_at_before_the_places_run_out(survey, crops):
    query, raja, *more = crops
    with survey.write() as session:
        for crop in more:
            identity.say_same(session, "ana", crop, raja)
    fourth = add(survey, 0, 3, minutes=9000.0)
    with survey.write() as session:
        identity.say_same(session, "ana", fourth, raja)
    left = Gallery(survey).rank(query, Scope(), matching=True)
    assert sorted(left) == sorted((query, crop) for crop in (raja, *more, fourth))


def test_the_likest_crops_are_known_once_all_have_features(survey, crops):
    query, *others = crops
    with survey.write() as session:
        version = results.model_version(session, "matcher's features", POINTS)
        results.store_feature(session, others[0], version, BOX, points(9), None)
    ordered = [Group("Raja", crop) for crop in others]
    with survey.read() as session:
        assert matched.likest(session, query, ordered) == [others[1], others[2], others[0]]
    bare = add(survey, 5, 0, minutes=9000.0)
    with survey.read() as session:
        assert matched.likest(session, query, [*ordered, Group("Rani", bare)]) == []


def test_of_a_picture_with_two_animals_the_one_that_the_query_shows_votes_and_none_votes_on_the_other(survey, crops):
    beside = beside_query(survey)
    with survey.write() as session:
        media_id = session.get_one(Detection, beside).media_id
        drawn = Detection(media_id=media_id, drawn_by="ana", category="animal", confidence=1.0, **asdict(BOX))
        session.add(drawn)
        session.flush()
        version = results.model_version(session, "matcher's features", POINTS)
        results.store_feature(session, drawn.id, version, BOX, points(), None)
    with survey.read() as session:
        assert matched.mates(session, beside) == [crops[0]]
        assert matched.mates(session, crops[0]) == [beside, drawn.id]
    keep(survey, {(crops[0], drawn.id): 1})
    keep_votes(survey, crops, beside, 200)
    assert Gallery(survey).rank(crops[0], Scope(), matching=True) == []
    assert order(fused(survey, crops[0]))[0] == crops[2]


def test_a_crop_of_the_event_that_a_person_called_different_does_not_vote(survey, crops):
    beside = beside_query(survey)
    keep_votes(survey, crops, beside, 200)
    with survey.write() as session:
        identity.say_pair(session, "ana", crops[0], beside, "different")
    assert Gallery(survey).rank(crops[0], Scope(), matching=True) == []
    assert order(fused(survey, crops[0]))[0] == crops[1]


def test_a_pair_is_kept_both_ways_round_and_forgotten_when_a_box_moves(survey, crops):
    query, raja = crops[:2]
    keep(survey, {(raja, query): 3})
    with survey.read() as session:
        found, turned = matches.matches_of(session, raja, query), matches.matches_of(session, query, raja)
        assert found.pairs.tolist() == [[0, 2], [1, 1], [2, 0]]
        assert turned.pairs.tolist() == [[2, 0], [1, 1], [0, 2]]
        assert found.confidence == pytest.approx(0.8, abs=0.002)
        assert matches.scores_of(session, [(raja, query)]) == {(query, raja): pytest.approx(4.8)}
    with survey.write() as session:
        correct_box(session, "ana", raja, box=Box(0.1, 0.1, 0.5, 0.5))
    with survey.read() as session:
        assert matches.scores_of(session, [(raja, query)]) == {}
        assert matches.matches_of(session, raja, query) is None


def test_the_matchers_features_are_kept_compressed_and_come_back_as_they_were(survey, crops):
    with survey.read() as session:
        row = session.scalars(sa.select(Feature).order_by(Feature.id.desc()).limit(1)).one()
        back = results.matcher_features(row)
    assert back.points.tolist() == points().points.tolist()
    assert back.descriptors.tolist() == points().descriptors.tolist()
    assert (back.width, back.height) == (448, 320)


def drawn(context: Context, folder: Path) -> list[int]:
    """Boxes around all of every picture of the folder, which is imported; the import stays open."""
    survey = context.survey
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root=str(folder), label="card")
    take_in_pictures(context, batch.id, folder)
    with survey.write() as session:
        made = [
            Detection(
                media_id=media, drawn_by="ana", category="animal", confidence=1.0, x=0.0, y=0.0, width=1.0, height=1.0
            )
            for media in session.scalars(sa.select(Media.id).order_by(Media.id))
        ]
        session.add_all(made)
        session.flush()
        return [detection.id for detection in made]


def test_pairs_are_described_in_idle_time_and_matched_once(survey: Survey, settings: Settings, tmp_path: Path):
    with open_context(survey, "test") as context:
        context.choose = lambda: Choice(later=(MATCH_FEATURES,))
        made = drawn(context, card(tmp_path / "card"))
        describe_slice(context)
        with survey.read() as session:
            assert imports.any_open(session)
            assert features_of(session, made) == set()
        with survey.write() as session:
            session.execute(sa.update(ImportBatch).values(state=ImportState.DONE))
        describe_slice(context)
        with survey.read() as session:
            assert features_of(session, made) == set(made)
        pairs = [matches.ordered(made[0], made[1]), matches.ordered(made[0], made[2])]
        asyncio.run(match(context, made[0], pairs, None, Lane()))
        with survey.read() as session:
            assert set(matches.scores_of(session, pairs)) == set(pairs)
            row = session.scalars(sa.select(PairMatch).limit(1)).one()
            assert session.get_one(Call, row.call_id).model == MATCHER
        now = Current(context, Gallery(survey), settings, looked=time.monotonic())
        ahead = Ahead(now)
        assert ahead.due() == []  # a person is at work
        now.looked -= RESTS
        (due,) = ahead.due()
        assert set(made) <= set(due.args[0])
        for crop in due.args[0]:
            Gallery(survey).rank(crop, Scope(), matching=True, last=True)
        assert ahead.due() == []


def test_crops_that_only_an_older_version_described_are_described_anew_before_they_are_matched(survey, tmp_path):
    with open_context(survey, "test") as context:
        query, other = drawn(context, card(tmp_path / "card"))[:2]
        pair = matches.ordered(query, other)
        asyncio.run(match(context, query, [pair], None, Lane()))
        with survey.write() as session:
            session.execute(sa.update(ModelVersion).where(ModelVersion.model == MATCH_FEATURES).values(version="older"))
        asyncio.run(match(context, query, [pair], None, Lane()))
    with survey.read() as session:
        versions = {
            session.get_one(ModelVersion, present).version for present in present_versions(session, MATCH_FEATURES)
        }
        assert "older" not in versions
        assert features_of(session, [query, other]) == {query, other}
        assert set(matches.scores_of(session, [pair])) == {pair}


def features_of(session, crops) -> set[int]:
    """Which of these crops the matcher's network has described."""
    versions = present_versions(session, MATCH_FEATURES)
    rows = sa.select(Feature.detection_id).where(
        Feature.model_version_id.in_(versions), Feature.detection_id.in_(crops)
    )
    return set(session.scalars(rows))
