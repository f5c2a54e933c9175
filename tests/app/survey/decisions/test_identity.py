"""Decisions about who an animal is."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.survey.database import Survey
from app.survey.decisions import catalogue, identity
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import CATALOGUE, IDENTITY, TAKING_OUT
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.undoing import undo_last, undo_once
from app.survey.detections.features import feature_version
from app.survey.individuals import rankings
from app.survey.individuals.catalogue import entries
from app.survey.individuals.naming import next_name
from app.survey.tables.individuals import Individual, PairVerdict, Sighting
from tests.support.surveys import add_media, describe, everything, found

KINDS = (*IDENTITY.words, *CATALOGUE.words, *TAKING_OUT.words)


def crops(survey: Survey, count: int) -> list[int]:
    """Detections of as many media, an hour apart."""
    return [add_media(survey, [found()], minutes=60.0 * number)[1][0] for number in range(count)]


def named(survey: Survey, detection_id: int) -> str | None:
    with survey.read() as session:
        return session.scalar(sa.select(Individual.name).join(Sighting).where(Sighting.detection_id == detection_id))


def test_same_names_both_crops_when_neither_has_a_name(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.say_same(session, "ana", first, second)
    assert named(survey, first) == named(survey, second) == "T-001"


def test_same_gives_the_query_the_candidates_name(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", second, name="Machli")
        identity.say_same(session, "ana", first, second)
    assert named(survey, first) == "Machli"


def test_same_about_two_named_individuals_is_a_contradiction_and_changes_nothing(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", first)
        identity.new_individual(session, "ana", second)
    before = everything(survey)
    with pytest.raises(Contradiction, match="T-001 and T-002"), survey.write() as session:
        identity.say_same(session, "ana", first, second)
    assert everything(survey) == before


def test_same_against_an_earlier_different_is_a_contradiction(survey):
    first, second, third = crops(survey, 3)
    with survey.write() as session:
        identity.say_same(session, "ana", second, third)
        identity.say_pair(session, "ana", first, second, "different")
    with pytest.raises(Contradiction, match="different from T-001"), survey.write() as session:
        identity.say_same(session, "ana", first, third)


def test_different_inside_one_individual_is_a_contradiction(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.say_same(session, "ana", first, second)
    with pytest.raises(Contradiction, match="Both crops belong to T-001"), survey.write() as session:
        identity.say_pair(session, "ana", first, second, "different")


def test_two_reviewers_on_one_pair_leave_one_verdict_and_two_log_entries(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.say_pair(session, "ana", first, second, "unsure")
        identity.say_pair(session, "ben", second, first, "different")
    with survey.read() as session:
        assert session.scalars(sa.select(PairVerdict.verdict)).all() == ["different"]
        assert rankings.verdicts(session, [first]) == {first: {second: "different"}}


def test_a_rejected_individual_is_never_proposed_again(survey):
    query, member, other_member = crops(survey, 3)
    for seed, crop in enumerate((query, member, other_member)):
        describe(survey, crop, seed)
    with survey.write() as session:
        identity.say_same(session, "ana", member, other_member)
        identity.say_pair(session, "ana", query, member, "different")
    with survey.read() as session:
        _, left_out = rankings.allowed(session, query, rankings.Scope())
    assert {member, other_member} <= left_out


def test_unnamed_crops_of_the_same_event_are_left_out_and_named_ones_stay(survey, settings):
    from app.survey.media import events

    burst = [add_media(survey, [found()], minutes=number / 60)[1][0] for number in range(3)]
    for seed, crop in enumerate(burst):
        describe(survey, crop, seed)
    with survey.write() as session:
        deployment = session.scalar(sa.text("select id from deployment"))
        events.regroup(session, [deployment], 60)
        identity.new_individual(session, "ana", burst[1])
    with survey.read() as session:
        within, left_out = rankings.allowed(session, burst[0], rankings.Scope())
    assert within is None
    assert left_out == {burst[0], burst[2]}


def test_a_crop_with_a_decision_no_longer_waits_and_undo_brings_it_back(survey):
    (crop,) = crops(survey, 1)
    describe(survey, crop, 0)

    def waits() -> bool:
        with survey.read() as session:
            version = feature_version(session, "rapid")
            assert rankings.waiting_count(session, version) == len(rankings.waiting(session, version))
            return bool(rankings.waiting(session, version))

    assert waits()
    with survey.write() as session:
        identity.set_identity_state(session, "ana", crop, "unidentifiable")
    assert not waits()
    with survey.write() as session:
        undo_last(session, "ana", KINDS)
    assert waits()


def test_merge_split_and_undo_leave_the_survey_exactly_as_before(survey):
    first, second, third, fourth = crops(survey, 4)
    with survey.write() as session:
        identity.say_same(session, "ana", first, second)
        identity.say_same(session, "ana", third, fourth)
    states = [everything(survey)]
    steps = [
        lambda s: catalogue.merge(s, "ana", 1, 2),
        lambda s: catalogue.split(s, "ana", 1, [first, third]),
        lambda s: catalogue.rename(s, "ana", 1, "Machli"),
        lambda s: catalogue.describe(s, "ana", 1, sex="female"),
        lambda s: catalogue.take_out(s, "ana", second),
    ]
    for step in steps:
        with survey.write() as session:
            step(session)
        states.append(everything(survey))
    for expected in reversed(states[:-1]):
        with survey.write() as session:
            undo_last(session, "ana", KINDS)
        assert everything(survey) == expected


def test_merges_in_a_loop_are_refused(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", first)
        identity.new_individual(session, "ana", second)
        catalogue.merge(session, "ana", 1, 2)
    with pytest.raises(Contradiction, match="merged already"), survey.write() as session:
        catalogue.merge(session, "ana", 2, 1)


@pytest.mark.parametrize("name", ["t-001", "  T-001 ", ""])
def test_a_name_is_never_used_twice(survey, name):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", first)
    with pytest.raises(BadDecision), survey.write() as session:
        identity.new_individual(session, "ana", second, name=name or "   ")


def test_a_merged_individuals_name_stays_taken(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", first)
        identity.new_individual(session, "ana", second)
        catalogue.merge(session, "ana", 1, 2)
        assert next_name(session) == "T-003"
        assert [entry.name for entry in entries(session)] == ["T-001"]


def test_the_same_undo_sent_twice_undoes_once(survey):
    first, second = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", first)
        identity.new_individual(session, "ana", second)
    for _ in range(2):
        with survey.write() as session:
            undo_once(session, "ana", KINDS, None, "undo-1")
    assert named(survey, first) == "T-001"
    assert named(survey, second) is None


def test_a_ranking_is_old_after_a_decision_but_not_after_new_crops(survey):
    query, other = crops(survey, 2)
    describe(survey, query, 0)
    scope = rankings.Scope()
    with survey.write() as session:
        version = feature_version(session, "rapid")
        stamp = rankings.stamp(session)
        rankings.store_ranking(
            session,
            query,
            version,
            scope,
            stamp=stamp,
            gallery_size=1,
            in_scope=0,
            known_probability=None,
            candidates=[],
        )
    describe(survey, other, 1)
    with survey.read() as session:
        row = rankings.ranking(session, query, "rapid", scope)
        assert rankings.is_fresh(row, rankings.stamp(session))
    with survey.write() as session:
        identity.new_individual(session, "ana", other)
    with survey.read() as session:
        assert not rankings.is_fresh(rankings.ranking(session, query, "rapid", scope), rankings.stamp(session))
