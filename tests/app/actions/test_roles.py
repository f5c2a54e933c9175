"""Who may do what: every action and every route has a role, and refuses those who lack it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
import sqlalchemy as sa

from app import actions
from app.actions import decide
from app.actions.needs import ROLE
from app.actions.review import apply_review
from app.jobs.queue import LOOKING, Jobs
from app.jobs.queues import QUEUE_OF
from app.survey.decisions.changes import Change
from app.survey.decisions.kinds import FAMILY_OF, least_role
from app.survey.roles import Lists, NotAllowed, Role
from app.survey.tables.base import Base
from app.survey.tables.decisions import Decision
from tests.support.asked import Asked
from tests.support.surveys import add_media, found

MODULES = [importlib.import_module(f"app.actions.{module.name}") for module in pkgutil.iter_modules(actions.__path__)]
ACTIONS = [
    function
    for module in MODULES
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if inspect.unwrap(function).__module__ == module.__name__
    and not name.startswith("_")
    and "survey" in inspect.signature(function).parameters
]
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def everything(survey) -> dict[str, list[str]]:
    with survey.read() as session:
        return {
            name: [repr(tuple(row)) for row in session.execute(sa.select(table))]
            for name, table in Base.metadata.tables.items()
        }


def answer_of(action, given) -> str:
    try:
        return action(**given).problems[0]
    except NotAllowed as refused:
        return str(refused)


def test_there_are_actions_to_guard():
    assert len(ACTIONS) >= 24


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.__module__}.{action.__name__}")
def test_every_action_has_a_role_and_refuses_a_viewer(survey, action):
    add_media(survey, [found()])
    before = everything(survey)
    assert getattr(action, ROLE) >= Role.REVIEWER
    sent = [{"n": 3, "uuid": "0", "kind": "blank", "media_id": 1}]
    given = {"survey": survey.seen_by(Role.VIEWER), "jobs": Asked(), "actions": sent, "ack": 0}
    wanted = [name for name, parameter in inspect.signature(action).parameters.items() if parameter.kind in BY_NAME]
    refusal = answer_of(action, {name: given.get(name) for name in wanted})
    assert "You are a viewer" in refusal
    assert everything(survey) == before


@pytest.mark.parametrize("workflow", QUEUE_OF)
def test_a_viewer_has_nothing_done_but_what_looking_needs(survey, settings, workflow):
    jobs = Jobs(survey.seen_by(Role.VIEWER), settings)
    if workflow in LOOKING:
        assert not jobs.put(workflow, "id")  # there is no queue yet
    else:
        with pytest.raises(NotAllowed):
            jobs.put(workflow, "id")


def test_a_message_of_a_reviewer_that_a_viewer_sends_again_is_refused_and_not_asked_for_again(survey):
    media_id, _ = add_media(survey, [found()])
    sent = [{"n": 1, "uuid": "a", "kind": "blank", "media_id": media_id}]
    settled = apply_review(survey.seen_by(Role.VIEWER), Asked(), "vera", sent, 0)
    assert (settled.ack, len(settled.problems)) == (1, 1)
    apply_review(survey.seen_by(Role.REVIEWER), Asked(), "ana", sent, 0)
    assert survey.role is Role.ADMIN


def test_only_an_admin_takes_back_what_somebody_else_decided(survey):
    media_id, _ = add_media(survey, [found()])
    apply_review(survey, Asked(), "ana", [{"n": 1, "uuid": "key", "kind": "blank", "media_id": media_id}], 0)
    with survey.read() as session:
        hers = session.scalars(sa.select(Decision.id)).one()
    reviewers = survey.seen_by(Role.REVIEWER)
    refused = decide.undo(reviewers, Asked(), "ben", decision_id=hers)
    assert "ana decided this" in refused.problems[0]
    undo = [{"n": 1, "uuid": "u", "kind": "undo", "undoes": "key"}]
    assert "ana decided this" in apply_review(reviewers, Asked(), "ben", undo, 0).problems[0]
    assert decide.undo(reviewers, Asked(), "ana", decision_id=hers).decisions
    assert "ana decided this" in decide.redo(reviewers, Asked(), "ben", decision_id=hers).problems[0]
    assert decide.redo(survey, Asked(), "ben", decision_id=hers).decisions


ABOVE = [kind for kind in FAMILY_OF if least_role(kind) > Role.REVIEWER]


def test_letting_a_tried_model_stand_is_for_an_admin():
    assert ABOVE == ["let it stand"]


@pytest.mark.parametrize("kind", ABOVE)
@pytest.mark.parametrize("since", [False, True], ids=["alone", "with all since"])
def test_what_needs_an_admin_is_made_taken_back_and_made_again_by_admins_alone(survey, kind, since):
    """Also where ana decided it herself, and is an admin no longer."""

    def act(session, who):
        return Change(session, who).record(kind)

    reviewers, start = survey.seen_by(Role.REVIEWER), everything(survey)
    assert "needs an admin" in decide.decide(reviewers, Asked(), "ana", act).problems[0]
    assert everything(survey) == start
    hers = decide.decide(survey, Asked(), "ana", act).decisions[0].id
    made = everything(survey)
    sent = [{"n": 1, "uuid": "u", "kind": "undo", "undoes": None}]
    for refused in (
        decide.undo(reviewers, Asked(), "ana"),
        decide.undo(reviewers, Asked(), "ana", decision_id=hers, and_since=since),
        decide.settle(reviewers, Asked(), "ana", None, sent, 0, act),
    ):
        assert "needs an admin" in refused.problems[0]
    assert everything(survey) == made
    assert decide.undo(survey, Asked(), "ben", decision_id=hers, and_since=since).decisions
    undone = everything(survey)
    for which in ({}, {"decision_id": hers}):
        assert decide.redo(reviewers, Asked(), "ana" if which else "ben", **which).refused
    assert everything(survey) == undone
    assert decide.redo(survey, Asked(), "ben").decisions


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("Ana@Example.org", Role.ADMIN),
        ("ben@example.org", Role.REVIEWER),
        ("guest@example.org", Role.VIEWER),
        ("ben@example.org.evil.com", None),
        ("example.org", Role.REVIEWER),
        ("ben@other.org", None),
        ("", None),
    ],
)
def test_an_address_counts_before_its_domain_and_strangers_are_nobody(address, role):
    lists = Lists(["ana@example.org"], ["@example.org"], ["guest@example.org"])
    assert lists.role_of(address) is role
