"""A detector on trial that runs on Modal, by the same calls as any other: its price is known, and it does not count."""

from __future__ import annotations

from app.survey.detections.results import detector_of
from app.survey.tables.trials import Trial
from app.survey.trials import figures
from modal_backend.registry import CLOSER, DETECTOR
from tests.modal.modal_survey import ask_for_import, calls, stages, state, worker
from tests.support.waiting import wait_until


def test_a_detector_is_tried_on_modal_after_the_import_and_does_not_count(survey, modal_settings, plane, tmp_path):
    with survey.write() as session:
        session.add(Trial(id=1, model=CLOSER, share=99, after_media=0, who="ana"))
    import_id = ask_for_import(survey, tmp_path / "card", pictures=3, width=64)

    def tried() -> int:
        with survey.read() as session:
            return figures.agreement(session, 1).images

    with worker(modal_settings, plane):
        wait_until(lambda: tried() == 3)
    assert state(survey, import_id) == ("done", None)
    assert stages(survey) == {"ready"}
    first = {row.model: row.queued_at for row in reversed(calls(survey))}
    assert first[CLOSER] > max(row.finished_at for row in calls(survey) if row.model == DETECTOR)
    with survey.read() as session:
        assert {detector_of(session, number) for number in (1, 2, 3)} == {DETECTOR}
        tried_pace, other = figures.paces(session, 1)
        assert tried_pace.model == CLOSER
        assert tried_pace.models[0].endswith("(modal)")
        assert tried_pace.run_seconds > 0
        assert other.run_seconds > 0
