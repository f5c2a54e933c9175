"""A left flank and a right flank joined to one individual by a person: proposals, refusals, undo."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.survey.database import Survey
from app.survey.decisions import catalogue, flank_joins, identity
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import CATALOGUE, IDENTITY, TAKING_OUT
from app.survey.decisions.refusals import BadDecision
from app.survey.decisions.undoing import redo, undo, undo_last
from app.survey.individuals import catalogue as catalogue_entries
from app.survey.individuals.flank_proposals import flank_report
from app.survey.individuals.flanks import one_sided
from app.survey.media.events import regroup
from app.survey.tables.base import Base
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, Sighting
from tests.support.catalogued import DAY, number, seen


def rows(survey: Survey) -> dict[str, list[tuple]]:
    """Everything people decided, without the log."""
    tables = [table for name, table in Base.metadata.tables.items() if name != "decision"]
    with survey.read() as session:
        return {table.name: sorted(map(tuple, session.execute(sa.select(table))), key=repr) for table in tables}


def join(survey: Survey, keep: str, other: str, reason: str = "one event shows both sides") -> int:
    ids = number(survey, keep), number(survey, other)
    with survey.write() as session:
        return flank_joins.join(session, "ana", *ids, reason).id


def proposed(survey: Survey) -> list[tuple[str, str, int]]:
    with survey.read() as session:
        called = catalogue_entries.names(session)
        found = flank_report(session).proposals
    return [
        (called[proposal.left.individual_id], called[proposal.right.individual_id], proposal.times)
        for proposal in found
    ]


def test_flanks_seen_in_one_event_or_at_one_station_within_a_minute_are_proposed(survey: Survey):
    seen(survey, "L1", "Ridge", 0)
    seen(survey, "R1", "Ridge", 0.5, flank="right")
    seen(survey, "L1", "Ridge", DAY)
    seen(survey, "R1", "Ridge", DAY + 0.3, flank="right")
    seen(survey, "L2", "Valley", 0)
    seen(survey, "R2", "Valley", 30, flank="right")  # too long after
    seen(survey, "R3", "Ford", 0, flank="right")  # elsewhere
    assert proposed(survey) == [("L1", "R1", 2)]
    with survey.read() as session:
        report = flank_report(session)
    assert not report.proposals[0].one_event  # media without events: only place and time speak
    with survey.write() as session:
        regroup(session, [1, 2, 3], 60)
    with survey.read() as session:
        report = flank_report(session)
    assert (report.left_only, report.right_only) == (2, 3)
    assert report.proposals[0].one_event
    assert report.proposals[0].seconds == 18


def test_two_cameras_of_one_station_are_proposed_too(survey: Survey):
    left = seen(survey, "L", "Ridge", 0)
    right = seen(survey, "R", "Ridge B", 0.5, flank="right")
    with survey.write() as session:
        session.execute(sa.text("update deployment set station = 'Ridge'"))
    with survey.read() as session:
        proposal = flank_report(session).proposals[0]
    assert (proposal.left.detection_id, proposal.right.detection_id, proposal.one_event, proposal.seconds) == (
        left,
        right,
        False,
        30,
    )


def test_two_on_one_picture_or_said_to_be_different_or_of_another_sex_are_not_proposed(survey: Survey):
    seen(survey, "L1", "Ridge", 0, boxes=2)
    with survey.write() as session:  # the second box of the same picture is R1
        identity.new_individual(session, "ana", 2, name="R1")
        identity.set_flank(session, "ana", 2, "right")
    a = seen(survey, "L2", "Valley", 0)
    b = seen(survey, "R2", "Valley", 0.1, flank="right")
    seen(survey, "L3", "Ford", 0)
    seen(survey, "R3", "Ford", 0.1, flank="right")
    assert proposed(survey) == [("L2", "R2", 1), ("L3", "R3", 1)]
    with survey.write() as session:
        identity.say_pair(session, "ana", a, b, "different")
        catalogue.describe(session, "ana", number(survey, "L3"), sex="female")
        catalogue.describe(session, "ana", number(survey, "R3"), sex="male")
    assert proposed(survey) == []


def test_a_join_moves_every_sighting_keeps_the_reason_and_is_on_the_card(survey: Survey):
    seen(survey, "L", "Ridge", 0)
    right = seen(survey, "R", "Ridge", 0.5, flank="right")
    join(survey, "L", "R", "  both   sides in one event ")
    with survey.read() as session:
        kept = number(survey, "L")
        assert session.get_one(Sighting, right).individual_id == kept
        (flank_join,) = flank_joins.joins(session, kept)
        assert (flank_join.name, flank_join.side, flank_join.reason, flank_join.who) == (
            "R",
            "right",
            "both sides in one event",
            "ana",
        )
        assert one_sided(session) == {}
        assert catalogue_entries.history(session, kept)[0].kind == "join flanks"
    assert proposed(survey) == []


def test_joins_undone_at_any_depth_leave_the_database_as_before(survey: Survey):
    for pair in range(3):
        seen(survey, f"L{pair}", "Ridge", pair * DAY)
        seen(survey, f"R{pair}", "Ridge", pair * DAY + 0.5, flank="right")
    states = [rows(survey)]
    for pair in range(3):
        join(survey, f"L{pair}", f"R{pair}")
        states.append(rows(survey))
    while len(states) > 1:
        assert rows(survey) == states.pop()
        with survey.write() as session:
            assert undo_last(session, "ana", (*CATALOGUE.words, *TAKING_OUT.words)).kind == "join flanks"
    assert rows(survey) == states[0]


def test_a_join_in_the_middle_of_the_history_is_taken_back_and_made_again(survey: Survey):
    seen(survey, "L", "Ridge", 0)
    seen(survey, "R", "Ridge", 0.5, flank="right")
    before = rows(survey)
    made = join(survey, "L", "R")
    joined = rows(survey)
    with survey.write() as session:
        undo(session, session.get_one(Decision, made), "bo")
    assert rows(survey) == before
    with survey.write() as session:
        redo(session, session.get_one(Decision, made), "bo")
    assert rows(survey) == joined
    with survey.read() as session:
        assert [flank_join.who for flank_join in flank_joins.joins(session, number(survey, "L"))] == ["bo"]


def test_a_join_whose_sightings_were_split_off_again_is_not_on_the_card(survey: Survey):
    seen(survey, "L", "Ridge", 0)
    right = seen(survey, "R", "Ridge", 0.5, flank="right")
    join(survey, "L", "R")
    with survey.write() as session:
        catalogue.split(session, "ana", number(survey, "L"), [right])
    with survey.read() as session:
        assert flank_joins.joins(session, number(survey, "L")) == []


def test_a_join_needs_a_reason_and_opposite_flanks(survey: Survey):
    seen(survey, "L", "Ridge", 0)
    seen(survey, "M", "Ridge", 20)
    seen(survey, "R", "Ridge", 30, flank="right")
    seen(survey, "U", "Ridge", 40, flank="unknown")
    seen(survey, "V", "Ridge", 50, flank="unknown")
    before = rows(survey)
    for keep, other, reason, message in (
        ("L", "R", " ", "how you know"),
        ("L", "M", "why", "opposite flanks"),
        ("L", "U", "why", "opposite flanks"),
        ("U", "V", "why", "opposite flanks"),
        ("L", "L", "why", "with itself"),
    ):
        with pytest.raises(BadDecision, match=message):
            join(survey, keep, other, reason)
    assert rows(survey) == before


def test_a_join_is_refused_when_decisions_or_a_picture_say_two_animals(survey: Survey):
    a = seen(survey, "L", "Ridge", 0, boxes=2)
    b = seen(survey, "R", "Ridge", 30, flank="right")
    with survey.write() as session:
        identity.say_pair(session, "bo", a, b, "different")
    with pytest.raises(Contradiction, match="said to be different") as met:
        join(survey, "L", "R")
    assert [link.crops for link in met.value.chain] == [(a, b)]
    assert [way.kind for way in met.value.ways_out] == ["take back"]
    with survey.write() as session:
        undo_last(session, "bo", IDENTITY.words)
        session.add(Sighting(detection_id=a + 1, individual_id=number(survey, "R"), who="ana"))
    with pytest.raises(Contradiction, match="on one picture"):
        join(survey, "L", "R")


def test_an_individual_that_was_joined_away_is_joined_no_more(survey: Survey):
    seen(survey, "L", "Ridge", 0)
    seen(survey, "R", "Ridge", 0.5, flank="right")
    seen(survey, "M", "Ridge", 30)
    join(survey, "L", "R")
    with pytest.raises(Contradiction, match="merged already"):
        join(survey, "M", "R")
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(Individual.id)).where(Individual.merged_into_id.is_(None))) == 2
