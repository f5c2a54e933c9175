"""Who a crop is by way of undecided crops: what the matcher found for them counts, while they stay undecided."""

from __future__ import annotations

from app.matching.candidates import Group, listed
from app.matching.gallery import Gallery
from app.survey.database import Survey
from app.survey.decisions import identity
from app.survey.detections import matches, results
from app.survey.individuals.rankings import Scope
from app.survey.media.events import regroup
from app.survey.tables.detections import Detection
from app.survey.tables.media import Media
from modal_backend.models.matcher.ranking import LISTED
from modal_backend.models.probability.look_alikes import NEAREST
from tests.app.matching.test_gallery import add
from tests.app.matching.test_matched import BOX, POINTS, fused, keep, points

QUERY_ANIMAL, OTHERS = 9, (0, 1, 2)


def survey_of(survey: Survey) -> tuple[int, int, int, int]:
    """A query, two named crops that the matcher finds equally like it, and an undecided crop that looks like it."""
    query, raja, rani, look_alike = [
        add(survey, animal, 0, minutes=1440.0 * day) for day, animal in enumerate((QUERY_ANIMAL, *OTHERS))
    ]
    with survey.write() as session:
        version = results.model_version(session, "matcher's features", POINTS)
        for crop in (query, raja, rani, look_alike):
            results.store_feature(session, crop, version, BOX, points(), None)
        identity.new_individual(session, "ana", raja, name="Raja")
        identity.new_individual(session, "ana", rani, name="Rani")
    keep(survey, {(query, raja): 8, (query, rani): 8, (query, look_alike): 60})
    return query, raja, rani, look_alike


def scores(survey: Survey, query: int) -> dict[int, float]:
    return {candidate["crop_id"]: candidate["score"] for candidate in fused(survey, query).candidates}


def by_way_of(survey: Survey, query: int, scope: Scope | None = None) -> dict[int, list[int]]:
    candidates = fused(survey, query, scope).candidates
    return {candidate["crop_id"]: candidate["by_way_of"] for candidate in candidates if candidate["by_way_of"]}


def test_an_undecided_crop_that_looks_alike_brings_forward_whom_it_resembles(survey: Survey):
    query, raja, rani, look_alike = survey_of(survey)
    gallery = Gallery(survey)
    gallery.rank(query, Scope(), matching=True)
    before, known = scores(survey, query), fused(survey, query).known_probability
    assert by_way_of(survey, query) == {}
    keep(survey, {(look_alike, raja): 2, (look_alike, rani): 90})
    gallery.rank(query, Scope(), matching=True)
    after = scores(survey, query)
    assert after[rani] > before[rani]
    assert after[raja] < before[raja]
    assert after[look_alike] == before[look_alike]
    assert by_way_of(survey, query) == {rani: [look_alike]}
    assert fused(survey, query).known_probability == known


def test_a_crop_that_was_compared_with_a_single_individual_says_nothing(survey: Survey):
    query, _, rani, look_alike = survey_of(survey)
    keep(survey, {(look_alike, rani): 90})
    Gallery(survey).rank(query, Scope(), matching=True)
    assert by_way_of(survey, query) == {}


def test_a_crop_of_the_querys_own_event_does_not_vote_where_the_scope_allows_it(survey: Survey):
    query, raja, rani, look_alike = survey_of(survey)
    keep(survey, {(look_alike, raja): 2, (look_alike, rani): 90})
    scope = Scope(other_events=False)
    Gallery(survey).rank(query, scope, matching=True)
    assert by_way_of(survey, query, scope) == {rani: [look_alike]}
    with survey.write() as session:
        regroup(session, [1], 60)
        media, other = [
            session.get_one(Media, session.get_one(Detection, crop).media_id) for crop in (query, look_alike)
        ]
        other.event_id = media.event_id
    Gallery(survey).rank(query, scope, matching=True)
    assert by_way_of(survey, query, scope) == {}


def test_a_decision_about_the_look_alike_leaves_nothing_of_its_vote(survey: Survey):
    query, raja, rani, look_alike = survey_of(survey)
    keep(survey, {(look_alike, raja): 2, (look_alike, rani): 90})
    gallery = Gallery(survey)
    gallery.rank(query, Scope(), matching=True)
    assert by_way_of(survey, query) == {rani: [look_alike]}
    with survey.write() as session:
        identity.new_individual(session, "ana", look_alike, name="Maya")
    gallery.rank(query, Scope(), matching=True)
    assert by_way_of(survey, query) == {}


def test_whom_a_person_said_the_look_alike_is_not_gets_no_vote_of_it(survey: Survey):
    query, raja, rani, look_alike = survey_of(survey)
    keep(survey, {(look_alike, raja): 2, (look_alike, rani): 90})
    with survey.write() as session:
        identity.say_pair(session, "ana", look_alike, rani, "different")
    Gallery(survey).rank(query, Scope(), matching=True)
    assert by_way_of(survey, query) == {}


def test_every_pair_of_a_crop_is_found_with_its_score(survey: Survey):
    query, raja, rani, look_alike = survey_of(survey)
    with survey.read() as session:
        found = matches.scores_with(session, [query])
        assert set(found) == {matches.ordered(query, other) for other in (raja, rani, look_alike)}
        assert found == matches.scores_of(session, found)
        assert matches.scores_with(session, []) == {}


def test_the_named_have_the_places_that_the_nearest_undecided_crops_leave():
    named = [Group(str(number), number) for number in range(40)]
    undecided = [Group(None, 100 + number) for number in range(40)]
    chosen = listed([crop for two in zip(undecided, named, strict=True) for crop in two], [])
    assert len(chosen) == LISTED
    assert [group.crop_id for group in chosen if group.identity is None] == [100 + number for number in range(NEAREST)]
    assert len(listed([*named[:5], *undecided], [])) == LISTED
    assert listed(named[:LISTED], []) == named[:LISTED]


def test_the_likest_crops_take_turns_with_those_that_the_other_models_put_first():
    named = [Group("Raja" if number < 60 else "Rani", number) for number in range(70)]
    chosen = listed(named, [69, 68, 0])
    assert [crop.crop_id for crop in chosen] == [*range(LISTED - 2), 68, 69]
