"""Whatever reviewers decide and undo: nothing contradicts, no name comes twice, undo leaves no trace."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.survey.database import Survey
from app.survey.decisions import catalogue, identity
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import CATALOGUE, IDENTITY, TAKING_OUT
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.decisions.undoing import redo_one, undo, undo_last
from app.survey.individuals.naming import next_name
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, PairVerdict, Sighting
from tests.support.surveys import add_media, copy_of, everything, file_of, found

CROPS = 5
KINDS = (*IDENTITY.words, *CATALOGUE.words, *TAKING_OUT.words)
crop, who = st.integers(1, CROPS), st.sampled_from(["ana", "ben"])
step = st.one_of(
    st.tuples(st.just("same"), who, crop, crop, st.booleans()),
    st.tuples(st.sampled_from(["different", "unsure"]), who, crop, crop, st.booleans()),
    st.tuples(st.just("new"), who, crop),
    st.tuples(st.sampled_from(["state unsure", "state unidentifiable"]), who, crop),
    st.tuples(st.just("flank"), who, crop, st.sampled_from(["left", "right"])),
    st.tuples(st.just("take out"), who, crop),
    st.tuples(st.just("naming"), who, st.sampled_from(["T-", "Male "])),
    st.tuples(st.just("undo"), who),
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a survey with five crops nobody has decided about."""

    def fill(survey: Survey) -> None:
        for number in range(CROPS):
            add_media(survey, [found()], minutes=60.0 * number)

    return file_of(tmp_path_factory.mktemp("template"), fill)


def decide(session, what) -> object:
    kind, person, *about = what
    if kind == "same":
        return identity.say_same(session, person, about[0], about[1], join=about[2])
    if kind in ("different", "unsure"):
        return identity.say_pair(session, person, about[0], about[1], kind, replace=about[2])
    if kind == "new":
        return identity.new_individual(session, person, about[0])
    if kind.startswith("state"):
        return identity.set_identity_state(session, person, about[0], kind.removeprefix("state "))
    if kind == "flank":
        return identity.set_flank(session, person, about[0], about[1])
    if kind == "take out":
        return catalogue.take_out(session, person, about[0])
    if kind == "naming":
        return identity.set_naming(session, person, about[0])
    return undo_last(session, person, KINDS)


def check(survey: Survey) -> None:
    with survey.read() as session:
        names = [name.casefold() for name in session.scalars(sa.select(Individual.name))]
        assert len(names) == len(set(names))
        of = {row.detection_id: row.individual_id for row in session.scalars(sa.select(Sighting))}
        merged = set(session.scalars(sa.select(Individual.id).where(Individual.merged_into_id.is_not(None))))
        assert not merged & set(of.values()), "a crop belongs to an individual that was merged away"
        for pair in session.scalars(sa.select(PairVerdict).where(PairVerdict.verdict == "different")):
            assert pair.low_id not in of or of.get(pair.high_id) != of[pair.low_id], "different, yet one individual"


@given(st.lists(step, min_size=4, max_size=14))
@settings(max_examples=20)
def test_no_sequence_of_decisions_and_undos_makes_a_contradiction_and_refused_ones_change_nothing(template, steps):
    refusals = list[str]()
    with copy_of(template) as survey:
        for what in steps:
            before = everything(survey)
            try:
                with survey.write() as session:
                    decide(session, what)
            except (Contradiction, BadDecision, DecisionConflict) as refused:
                refusals.append(str(refused))
                assert everything(survey) == before
            check(survey)
    assert all(text.endswith(".") for text in refusals)


@given(st.lists(step, min_size=4, max_size=12))
@settings(max_examples=20)
def test_undoing_every_decision_newest_first_leads_back_through_every_state(template, steps):
    with copy_of(template) as survey:
        states = [everything(survey)]
        for what in steps:
            if what[0] == "undo":
                continue
            try:
                with survey.write() as session:
                    decide(session, what)
            except (Contradiction, BadDecision):
                continue
            states.append(everything(survey))
        for expected in reversed(states[:-1]):
            with survey.write() as session:
                latest = sa.select(Decision).where(Decision.undone_at.is_(None)).order_by(Decision.id.desc()).limit(1)
                undo(session, session.scalars(latest).one(), "ana")
            assert everything(survey) == expected


@given(st.lists(st.sampled_from(["new", "undo", "redo"]), min_size=2, max_size=14))
@example(["new", "undo", "new", "redo"])
@settings(max_examples=20)
def test_a_name_taken_back_is_free_again_and_never_stands_twice(template, steps):
    with copy_of(template) as survey:
        waiting, undone, refusals = list(range(1, CROPS + 1)), [], []
        for what in steps:
            try:
                with survey.write() as session:
                    if what == "new" and waiting:
                        expected = next_name(session)
                        decision = identity.new_individual(session, "ana", waiting[0])
                        assert session.get_one(Individual, decision.individual_id).name == expected
                        waiting.pop(0)
                    elif what == "undo" and (taken := undo_last(session, "ana", KINDS)):
                        undone.append(taken.id)
                        waiting.append(taken.detection_id)
                    elif what == "redo" and undone:
                        waiting.remove(redo_one(session, undone.pop(), "ana").detection_id)
            except DecisionConflict as refusal:
                refusals.append((what, "newer" in str(refusal)))
            with survey.read() as session:
                names = list(session.scalars(sa.select(Individual.name)))
            assert len(names) == len(set(names))
        assert set(refusals) <= {("redo", True)}
