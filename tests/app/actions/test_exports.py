"""Every export is kept in the audit log with its person."""

from __future__ import annotations

from app.actions import exports
from app.jobs.queue import Jobs
from app.survey import audit


def test_an_export_that_is_asked_for_is_in_the_audit_log_with_its_person(survey, settings):
    exports.start(survey, Jobs(survey, settings), "coco", {}, "ana@example.org")
    with survey.read() as session:
        (entry,) = audit.newest(session, 10)
    assert (entry.who, entry.kind, entry.about) == ("ana@example.org", "exported", "coco")
