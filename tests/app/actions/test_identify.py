"""What the match view sends becomes decisions about who an animal is, and the person learns what was made."""

from __future__ import annotations

import time

from app.actions.identify import apply_identity
from tests.app.survey.decisions.test_identity import crops
from tests.support.asked import Asked


def test_an_individual_that_was_made_is_named_in_a_message_and_one_that_was_joined_is_not(survey):
    first, second, third = crops(survey, 3)

    def messages(number: int, kind: str, query_id: int, **more: int) -> list[str]:
        action = {"n": number, "uuid": f"ana-{number}", "kind": kind, "query_id": query_id, **more}
        return apply_identity(survey, Asked(), "ana", [action], number - 1, {}).messages

    assert messages(1, "new", first) == ["New individual T-001. Z takes it back."]
    assert messages(2, "same", second, candidate_id=first) == []
    assert messages(3, "flank", third, flank="left") == []
    assert messages(4, "new", third) == ["New individual T-002. Z takes it back."]


def test_a_flank_or_a_verdict_over_one_of_another_tab_or_person_says_so(survey):
    first, second = crops(survey, 2)
    seen = time.time()

    def messages(who: str, number: int, kind: str, **more: object) -> list[str]:
        action = {"n": number, "uuid": f"{who}.{number}", "kind": kind, "query_id": first, "seen": seen, **more}
        return apply_identity(survey, Asked(), who.partition("-")[0], [action], number - 1, {}).messages

    assert messages("ana-tab1", 1, "flank", flank="left", shown="unknown") == []
    assert messages("ana-tab1", 2, "flank", flank="other", shown="left") == []
    (other_tab,) = messages("ana-tab2", 1, "flank", flank="right", shown="unknown")
    assert other_tab.startswith("Another tab decided about this too")
    assert messages("ben-tab1", 1, "different", candidate_id=second) == []
    (other_person,) = messages("ana-tab1", 3, "different", candidate_id=second)
    assert other_person.startswith("ben decided about this too")
