"""Contradictions, their chain and ways out, and two reviewers at one pair: one clear outcome each, nothing lost."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from app.actions.identify import apply_identity, conflict_item
from app.survey.database import Survey, open_survey
from app.survey.decisions import catalogue, contradictions, identity
from app.survey.decisions.contradictions import Contradiction
from app.survey.decisions.kinds import IDENTITY, TAKING_OUT
from app.survey.decisions.refusals import BadDecision, DecisionConflict
from app.survey.decisions.undoing import undo_last, undo_one
from app.survey.individuals.naming import next_name
from app.survey.tables.decisions import Decision
from app.survey.tables.individuals import Individual, PairVerdict, Sighting
from tests.app.survey.decisions.test_identity import crops, named
from tests.support.asked import Asked
from tests.support.surveys import everything


def act(survey: Survey, who: str, n: int, kind: str, query: int, **more: Any) -> Any:
    """One action as the match view sends it."""
    action = {"n": n, "uuid": f"{who}-{n}", "kind": kind, "query_id": query, **more}
    settled = apply_identity(survey, Asked(), who, [action], n - 1, {})
    conflicts = [conflict_item(*met) for met in settled.contradictions]
    return SimpleNamespace(problems=settled.problems, conflicts=conflicts)


def verdicts(survey: Survey) -> dict[tuple[int, int], str]:
    with survey.read() as session:
        return {(row.low_id, row.high_id): row.verdict for row in session.scalars(sa.select(PairVerdict))}


def test_a_is_b_and_b_is_c_but_a_is_not_c_shows_the_chain_and_changes_nothing(survey):
    a, b, c = crops(survey, 3)
    act(survey, "ana", 1, "same", a, candidate_id=b)
    act(survey, "ben", 1, "same", c, candidate_id=b)
    before = everything(survey)
    (conflict,) = act(survey, "eva", 1, "different", a, candidate_id=c).conflicts
    assert everything(survey) == before
    assert [text.split(" (")[0] for text in conflict["chain"]] == [
        f"crop {a} is the same as crop {b}",
        f"crop {b} is the same as crop {c}",
    ]
    assert "ana" in conflict["chain"][0]
    assert "ben" in conflict["chain"][1]
    assert conflict["crops"] == [a, b, c]
    assert [way["kind"] for way in conflict["ways"]] == ["take out", "take out"]


def test_taking_the_way_out_makes_the_decision_that_met_the_contradiction_and_undo_takes_both_back(survey):
    a, b, c = crops(survey, 3)
    act(survey, "ana", 1, "same", a, candidate_id=b)
    act(survey, "ana", 2, "same", c, candidate_id=b)
    before = everything(survey)
    (conflict,) = act(survey, "ana", 3, "different", a, candidate_id=c).conflicts
    way = conflict["ways"][0]
    solved = act(survey, "ana", 4, "solve", a, way=way["kind"], about=way["about"], then=conflict["action"])
    assert (solved.conflicts, solved.problems) == ([], [])
    assert named(survey, a) is None
    assert named(survey, c) == "T-001"
    assert verdicts(survey)[a, c] == "different"
    for _ in range(2):
        with survey.write() as session:
            undo_last(session, "ana", (*IDENTITY.words, "take out"))
    assert everything(survey) == before


def test_a_way_out_sent_twice_is_taken_once(survey):
    a, b = crops(survey, 2)
    act(survey, "ana", 1, "new", a)
    act(survey, "ana", 2, "new", b)
    (conflict,) = act(survey, "ana", 3, "same", a, candidate_id=b).conflicts
    join = next(way for way in conflict["ways"] if way["kind"] == "join")
    for _ in range(2):
        again = act(survey, "ana", 4, "solve", a, way="join", about=join["about"], then=conflict["action"])
        assert (again.conflicts, again.problems) == ([], [])
    assert named(survey, a) == named(survey, b) == "T-001"
    with survey.read() as session:
        assert session.scalar(sa.select(sa.func.count(Decision.id)).where(Decision.kind == "same")) == 1


def test_joining_is_refused_while_crops_of_the_two_were_said_to_be_different(survey):
    a, b, c = crops(survey, 3)
    with survey.write() as session:
        identity.new_individual(session, "ana", a)
        identity.say_same(session, "ana", b, c)
        identity.say_pair(session, "ben", a, c, "different")
    with pytest.raises(Contradiction, match="said to be different") as met, survey.write() as session:
        identity.say_same(session, "ana", a, b, join=True)
    assert [way.kind for way in met.value.ways_out] == ["take back", "take out", "take out"]
    way = met.value.ways_out[0]
    then = {"kind": "same", "query_id": a, "candidate_id": b}
    (still,) = act(survey, "ana", 1, "solve", a, way=way.kind, about=way.about, then=then).conflicts
    assert "join" in [other["kind"] for other in still["ways"]]
    assert verdicts(survey)[a, c] == "different", "a way out that leads to the next contradiction changes nothing"


def test_a_rejected_pair_can_only_become_one_by_taking_the_rejection_back(survey):
    a, b = crops(survey, 2)
    act(survey, "ben", 1, "different", a, candidate_id=b)
    (conflict,) = act(survey, "ana", 1, "same", a, candidate_id=b).conflicts
    assert "ben" in conflict["chain"][0]
    (way,) = conflict["ways"]
    act(survey, "ana", 2, "solve", a, way=way["kind"], about=way["about"], then=conflict["action"])
    assert verdicts(survey) == {(a, b): "same"}
    with survey.read() as session:
        undone = session.scalars(sa.select(Decision).where(Decision.kind == "different")).one()
        assert undone.undone_by == "ana"


def test_unsure_never_covers_what_another_reviewer_was_sure_of(survey):
    a, b = crops(survey, 2)
    act(survey, "ana", 1, "different", a, candidate_id=b)
    (conflict,) = act(survey, "ben", 1, "unsure", b, candidate_id=a).conflicts
    assert verdicts(survey) == {(a, b): "different"}
    act(survey, "ben", 2, "solve", b, way="replace", about={}, then=conflict["action"])
    assert verdicts(survey) == {(a, b): "unsure"}


def test_a_crop_somebody_named_meanwhile_keeps_its_name(survey):
    (a,) = crops(survey, 1)
    act(survey, "ben", 1, "new", a)
    for number, kind in enumerate(("new", "unidentifiable", "identity unsure"), start=1):
        (conflict,) = act(survey, "ana", number, kind, a).conflicts
        assert "T-001" in conflict["text"]
    assert named(survey, a) == "T-001"


def test_a_flank_set_by_somebody_else_meanwhile_is_told_before_it_is_changed(survey):
    (a,) = crops(survey, 1)
    act(survey, "ben", 1, "flank", a, flank="left", shown="unknown")
    (conflict,) = act(survey, "ana", 1, "flank", a, flank="right", shown="unknown").conflicts
    assert "ben has set the left flank" in conflict["text"]
    assert act(survey, "ana", 2, "flank", a, flank="right", shown="left").conflicts == []


def test_undoing_the_first_name_of_an_individual_that_others_joined_is_refused_with_the_reason(survey):
    a, b = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", a)
        identity.say_same(session, "ben", b, a)
    before = everything(survey)
    with pytest.raises(DecisionConflict, match="Other crops have been assigned to T-001"), survey.write() as session:
        undo_last(session, "ana", IDENTITY.words)
    assert everything(survey) == before


def test_an_undo_that_would_bring_a_contradiction_back_is_refused(survey):
    a, b = crops(survey, 2)
    with survey.write() as session:
        identity.say_same(session, "ana", a, b)
    act(survey, "ana", 1, "solve", a, way="take out", about={"detection_id": a}, then={"kind": "new", "query_id": a})
    with survey.write() as session:
        undo_last(session, "ana", ("new",))
        identity.say_pair(session, "ben", a, b, "different")
    before = everything(survey)
    with pytest.raises(DecisionConflict, match=r"ben"), survey.write() as session:
        undo_last(session, "ana", ("take out",))
    assert everything(survey) == before


def at_once(settings: Any, jobs: list[tuple[str, str, int, dict[str, Any]]]) -> list[Any]:
    """Two reviewers in two processes' worth of connections, started together."""
    answers: list[Any] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def run(place: int) -> None:
        who, kind, query, more = jobs[place]
        mine = open_survey(settings)
        ready.wait()
        answers[place] = act(mine, who, 1, kind, query, **more)
        mine.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_same_and_different_at_the_same_moment_leave_one_verdict_and_tell_the_other_reviewer(survey, settings):
    a, b = crops(survey, 2)
    ask = {"candidate_id": b}
    answers = at_once(settings, [("ana", "same", a, ask), ("ben", "different", a, ask)])
    conflicts = [conflict for answer in answers for conflict in answer.conflicts]
    assert len(conflicts) == 1
    assert len(verdicts(survey)) == 1
    together = named(survey, a) is not None and named(survey, a) == named(survey, b)
    assert together == (verdicts(survey)[a, b] == "same")


def test_two_new_individuals_at_the_same_moment_get_two_names(survey, settings):
    ids = crops(survey, 4)
    answers = at_once(settings, [(f"reviewer {number}", "new", number, {}) for number in ids])
    assert all(not answer.problems and not answer.conflicts for answer in answers)
    assert {named(survey, number) for number in ids} == {"T-001", "T-002", "T-003", "T-004"}


def test_two_reviewers_who_say_the_same_agree_on_one_individual(survey, settings):
    a, b = crops(survey, 2)
    answers = at_once(settings, [(who, "same", a, {"candidate_id": b}) for who in ("ana", "ben")])
    assert all(not answer.problems and not answer.conflicts for answer in answers)
    with survey.read() as session:
        assert session.scalars(sa.select(Individual.name)).all() == ["T-001"]
        assert session.scalar(sa.select(sa.func.count()).select_from(Sighting)) == 2
        assert session.scalar(sa.select(sa.func.count(Decision.id))) == 2


def test_the_prefix_of_names_is_the_surveys_own_and_a_number_taken_back_is_free_again(survey):
    a, b, c = crops(survey, 3)
    with survey.write() as session:
        identity.new_individual(session, "ana", a)
        identity.set_naming(session, "ana", "F-", 4)
        identity.new_individual(session, "ana", b)
        undo_last(session, "ana", ("new",))
        identity.new_individual(session, "ana", c)
    assert (named(survey, a), named(survey, c)) == ("T-001", "F-0001")
    with survey.write() as session:
        undo_last(session, "ana", ("naming",))
        assert next_name(session) == "T-002"


@pytest.mark.parametrize(("prefix", "digits"), [("Tiger 2", 3), ("x" * 21, 3), ("T-", 0)])
def test_a_prefix_that_would_run_into_the_numbers_is_refused(survey, prefix, digits):
    with pytest.raises(BadDecision), survey.write() as session:
        identity.set_naming(session, "ana", prefix, digits)


def test_a_decision_keeps_who_when_view_and_model_figures(survey):
    a, b = crops(survey, 2)
    figures = {
        (a, b): {"model": "rapid", "score": 31.2, "matches": 15},
        (b, a): {"score": 0.1},
        (99, b): {"score": 7.0},
    }
    action = {"n": 1, "uuid": "1", "kind": "same", "query_id": a, "candidate_id": b, "view": "lines", "model": "fused"}
    apply_identity(survey, Asked(), "ana", [action], 0, figures)
    with survey.read() as session:
        decision = session.scalars(sa.select(Decision)).one()
    assert decision.who == "ana"
    assert decision.view == {
        "model": "fused", "score": 31.2, "matches": 15, "view": "lines", "candidate_id": b
    }  # fmt: skip


def test_rejected_crops_are_listed_when_asked_for(survey):
    a, b, c = crops(survey, 3)
    act(survey, "ana", 1, "different", a, candidate_id=b)
    act(survey, "ana", 2, "different", c, candidate_id=a)
    with survey.read() as session:
        assert set(contradictions.rejected(session, a)) == {b, c}
        assert contradictions.rejected(session, b) == [a]


@pytest.fixture
def merged_although_different(survey) -> tuple[int, int]:
    """Two crops of one individual that were said to be different before ben merged them."""
    a, b = crops(survey, 2)
    with survey.write() as session:
        identity.new_individual(session, "ana", a)
        identity.new_individual(session, "ana", b)
        identity.say_pair(session, "ana", a, b, "different")
        catalogue.merge(session, "ben", 1, 2)
    return a, b


def test_what_was_decided_after_a_merge_that_contradicts_an_older_decision_can_be_undone(
    survey, merged_although_different
):
    a, _ = merged_although_different
    before = everything(survey)
    with survey.write() as session:
        catalogue.take_out(session, "ben", a)
    with survey.write() as session:
        assert undo_last(session, "ben", TAKING_OUT.words)
    assert everything(survey) == before


def test_an_undo_that_contradicts_because_an_older_decision_was_undone_since_is_refused(
    survey, merged_although_different
):
    a, b = merged_although_different
    with survey.write() as session:
        older = catalogue.take_out(session, "ben", b)
        newer = catalogue.take_out(session, "ben", a)
    with survey.write() as session:
        undo_one(session, older.id, "ben")
    before = everything(survey)
    with pytest.raises(DecisionConflict, match="contradict what was decided since"), survey.write() as session:
        undo_one(session, newer.id, "ben")
    assert everything(survey) == before
