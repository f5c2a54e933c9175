"""What the match view sends becomes decisions about who an animal is, and the person learns what was made."""

from __future__ import annotations

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
