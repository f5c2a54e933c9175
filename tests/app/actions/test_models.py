"""What an admin chose for models stands in the audit log with their name."""

from __future__ import annotations

import pytest

from app.actions import models
from app.analysis.modal_watch import ModalWatch
from app.survey import audit
from app.survey.detections import rapid_profile
from modal_backend.client import ModalBackend, Options
from modal_backend.registry import LOCAL, LOCAL_FINE


def entries(survey) -> list[tuple[str, str, str]]:
    with survey.read() as session:
        return [(entry.who, entry.kind, entry.about) for entry in reversed(audit.newest(session, 10))]


def test_a_change_of_profile_begins_and_says_who_chose_it(survey):
    with survey.write() as session:
        rapid_profile.choose(session, LOCAL)
    models.change_profile(survey, "ana@example.org", LOCAL_FINE)
    with survey.read() as session:
        assert rapid_profile.coming(session) == LOCAL_FINE
    assert entries(survey) == [("ana@example.org", "RAPID profile", "RAPID 448")]


@pytest.mark.usefixtures("plane")
def test_keeping_a_model_warm_and_letting_it_go_says_who_did(survey):
    watch = ModalWatch(ModalBackend(Options()))
    models.keep_warm(survey, watch, "ana@example.org", LOCAL, 1)
    models.keep_warm(survey, watch, "ben@example.org", LOCAL, 0)
    assert entries(survey) == [
        ("ana@example.org", "keep warm", LOCAL),
        ("ben@example.org", "no longer warm", LOCAL),
    ]
