"""The figures of the ledger, and an Operations page that no Modal can slow down."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.analysis.modal_watch import ModalWatch
from app.settings import load_settings
from app.survey.calls.figures import ended_since, get_stats, model_figures, open_notes
from app.survey.calls.model_versions import versions
from app.survey.calls.overview import snapshot
from app.survey.database import Survey, open_survey
from app.survey.detections import results
from app.survey.media import imports
from app.survey.tables.calls import Call
from app.survey.tables.detections import DetectionReview
from app.survey.tables.media import ImportBatch, ImportState, Media, Stage
from app.ui.operations.charts import histogram, summary
from app.web.metrics import metrics_text
from modal_backend.client import ModalBackend, Options
from modal_backend.contracts import Provenance
from modal_backend.registry import LOCAL
from modal_backend.remote.prices import per_second
from tests.support.pages import page, settings_of_pages
from tests.support.surveys import add_media, found
from tests.support.waiting import wait_until


def add_calls(survey: Survey, count: int, **values: object) -> None:
    now = time.time()
    rows = [
        {
            "task": "detect",
            "model": "pocket-detector",
            "backend": "modal",
            "items": 8,
            "bytes": 0,
            "queued_at": now - 20,
            "started_at": now - 10,
            "finished_at": now,
            "run_seconds": 3.0,
            "cold_start_seconds": 5.0,
            "attempts": 1,
            "outcome": "done",
            **values,
        }
        for _ in range(count)
    ]
    with survey.write() as session:
        session.execute(sa.insert(Call), rows)


def test_the_time_of_a_call_is_split_into_waiting_cold_start_and_run(survey):
    add_calls(survey, 3)
    add_calls(survey, 1, outcome="failed", error="no", attempts=4)
    add_calls(survey, 1, outcome=None, finished_at=None, note="waits for Modal")
    with survey.read() as session:
        (figures,) = model_figures(session)
        stats = get_stats(session)
        notes = open_notes(session)
    assert (figures.total.p50, figures.waiting.p50, figures.cold_start.p50, figures.run.p50) == pytest.approx(
        (10, 2, 5, 3), abs=0.1
    )
    assert (figures.done, figures.failed, figures.running, figures.retries) == (3, 1, 1, 3)
    assert figures.success_rate == 0.75
    assert figures.oldest_seconds == pytest.approx(20, abs=2)
    assert (stats.sent, stats.succeeded, stats.failed, stats.queued, stats.retried) == (5, 3, 1, 1, 3)
    assert notes == ["waits for Modal"]


def test_an_empty_ledger_has_no_figures(survey):
    with survey.read() as session:
        assert model_figures(session) == []
        assert get_stats(session).sent == 0


def test_a_gpu_costs_more_than_two_cores():
    assert per_second("megadetector") > per_second("pocket-detector") > 0


@pytest.fixture
def dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Settings that point to an empty data directory, and no singletons."""
    with settings_of_pages(tmp_path / "data", monkeypatch):
        yield monkeypatch


def test_the_page_of_an_embedded_survey_says_how_to_connect_modal(dashboard):
    test = page("operations")
    assert not test.exception
    assert "modal deploy -m modal_backend.modal_app" in " ".join(element.value for element in test.markdown)


def metrics(survey: Survey) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Value by sample and labels, as Prometheus' own library reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    with survey.read() as session:
        text = metrics_text(snapshot(survey, "modal"), model_figures(session))
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    values: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for sample in (sample for family in families for sample in family.samples):
        values.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return values


def labels(**values: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({"model": "pocket-detector", "backend": "modal", **values}.items()))


def test_metrics_split_the_time_of_every_model_and_count_its_outcomes(survey):
    add_calls(survey, 3)
    add_calls(survey, 1, outcome="failed", error="no", attempts=4)
    add_calls(survey, 2, model='a "b"', backend="embedded", cold_start_seconds=None)
    values = metrics(survey)
    assert values["pugmark_calls_total"][labels(outcome="done")] == 3
    assert values["pugmark_calls_total"][labels(outcome="failed")] == 1
    assert values["pugmark_call_retries_total"][labels()] == 3
    assert values["pugmark_calls_open"][labels()] == 0
    assert values["pugmark_call_oldest_seconds"][labels()] == 0
    assert values["pugmark_call_cold_start_seconds"][labels(quantile="0.5")] == 5.0
    assert values["pugmark_call_run_seconds"][labels(model='a "b"', backend="embedded", quantile="0.95")] == 3.0
    assert not [value for value in values["pugmark_call_cold_start_seconds"] if ("model", 'a "b"') in value]
    waiting = values["pugmark_call_waiting_seconds"]
    assert [round(waiting[labels(quantile=each)]) for each in ("0.5", "0.95")] == [2, 2]


def test_an_empty_ledger_has_the_metrics_of_the_strip_only(survey):
    values = metrics(survey)
    assert values.pop("pugmark_media_queued") == {(("backend", "modal"),): 0}
    assert set(values) == {
        "pugmark_calls_running",
        "pugmark_media_failed",
        "pugmark_call_seconds_p50",
        "pugmark_call_seconds_p95",
    }


def test_every_call_is_in_the_histogram_and_cold_starts_stand_below(survey):
    now = time.time()
    add_calls(survey, 5, started_at=now - 1.0, finished_at=now - 0.5, cold_start_seconds=None)
    add_calls(survey, 3, started_at=now - 4000, finished_at=now - 3600)
    with survey.read() as session:
        calls = ended_since(session, now - 7200)
        assert ended_since(session, now - 60, "rapid") == []
    figure = histogram(calls, 7200, now)
    heat, median, _high, cold = figure.data
    assert sum(value for row in heat.z for value in row if value == value) == 8
    assert [value for value in median.y if value] == pytest.approx([400, 0.5], abs=0.01)
    assert [value for value in cold.y if value] == [3]
    assert summary(calls) == "8 calls: median 500 ms, 95th percentile 400 s; 3 cold starts, median 5.0 s."


def test_two_versions_of_a_task_stand_side_by_side_with_what_people_said(survey):
    add_calls(survey, 1, items=4)
    boxes = [add_media(survey, [found()])[1][0] for _ in range(4)]
    newer = Provenance("modal", "pocket-detector", "2", "1" * 64, "test")
    with survey.write() as session:
        version = results.model_version(session, "detect", newer, 0.5)
        others = [results.store_analysis(session, media, version, 1, [found()])[0] for media in (1, 2)]
        for number, detection in enumerate([*boxes, *others]):
            verdict = "rejected" if number == 0 else "accepted"
            session.add(DetectionReview(detection_id=detection, verdict=verdict, who="ana"))
    with survey.read() as session:
        new, old = versions(session)
    assert (new.version, new.backend, new.results, new.calls, new.accepted, new.rejected) == ("2", "modal", 2, 1, 2, 0)
    assert (new.p50, new.per_input) == pytest.approx((10, 2.5), abs=0.01)
    assert (old.accepted, old.rejected, old.acceptance, old.p50) == (3, 1, 0.75, None)


def test_a_model_is_kept_warm_and_let_go_again(plane):
    watch = ModalWatch(ModalBackend(Options()))
    wait_until(lambda: watch.latest().warm.get(LOCAL) == 0)
    watch.keep_warm(LOCAL, 1, "ana")
    wait_until(lambda: not watch.warming())
    assert watch.latest().warm[LOCAL] == 1
    assert watch.trouble() == {}
    wait_until(lambda: ModalBackend(Options()).current_stats(LOCAL).runners >= 1)
    watch.keep_warm(LOCAL, 0, "ana")
    wait_until(lambda: watch.latest().warm[LOCAL] == 0)
    assert ModalBackend(Options()).kept_warm(LOCAL) == 0


def test_the_switch_on_the_page_asks_modal_and_tells_what_it_costs(dashboard, plane):
    dashboard.setenv("PUGMARK_BACKEND", "modal")
    test = page("operations")

    def seen() -> bool:
        test.run()
        return any(element.label == LOCAL for element in test.toggle)

    wait_until(seen)
    switch = next(element for element in test.toggle if element.label == LOCAL)
    assert switch.value is False
    assert any("an hour" in element.value for element in test.caption)
    switch.set_value(True).run()
    assert not test.exception
    assert any("1 container kept warm: about $0." in element.value for element in test.warning)
    wait_until(lambda: ModalBackend(Options()).kept_warm(LOCAL) == 1)
    ModalBackend(Options()).keep_warm(LOCAL, 0)


def test_a_running_import_is_stopped_and_run_again_from_the_page(dashboard):
    survey = open_survey(load_settings())
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root="/cards/ridge", label="Ridge *3*")
        batch.state, import_id = ImportState.RUNNING, batch.id
    test = page("operations")
    test.button(key=f"cancel-{import_id}").click().run()
    assert not test.exception
    with survey.read() as session:
        assert session.get_one(ImportBatch, import_id).state == ImportState.FAILED
    assert any("Ridge *3* stopped after 0 files: The import was cancelled." in element.value for element in test.text)
    test.button(key=f"again-{import_id}").click().run()
    with survey.read() as session:
        again = session.get_one(ImportBatch, import_id)
        assert (again.state, again.attempt) == (ImportState.QUEUED, 2)
    survey.close()


def test_the_retry_button_is_there_only_when_something_failed(dashboard):
    assert not [element for element in page("operations").button if element.key == "retry-failed"]
    survey = open_survey(load_settings())
    add_media(survey)
    with survey.write() as session:
        session.query(Media).update({"stage": Stage.FAILED})
    assert page("operations").button(key="retry-failed").label == "Analyse the failed ones again"
    survey.close()


# From here on Modal is away: its client needs a while afterwards before it hears again.


def test_a_wish_that_modal_does_not_hear_ends_with_the_reason_and_holds_no_page(plane):
    watch = ModalWatch(ModalBackend(Options()), warm_seconds=1.0)
    plane.blackhole()
    begun = time.monotonic()
    watch.keep_warm(LOCAL, 1, "ana")
    assert watch.trouble().get(LOCAL) is None, "it came back before Modal could have answered"
    wait_until(lambda: watch.trouble().get(LOCAL))
    assert time.monotonic() - begun < 5
    assert watch.warming() == {}
    assert watch.latest().warm.get(LOCAL, 0) == 0


def test_the_page_says_that_modal_cannot_be_reached(dashboard, plane):
    dashboard.setenv("PUGMARK_BACKEND", "modal")
    plane.down()
    test = page("operations")
    end = time.monotonic() + 90
    while not test.warning and time.monotonic() < end:
        time.sleep(0.3)
        test.run()
    assert "Modal is unreachable" in test.warning[0].value
