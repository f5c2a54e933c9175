"""The dashboard for Grafana and the alert rules ask only for what /metrics gives."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.jobs.presence import Presence
from app.survey.tables.calls import Call
from tests.support.surveys import add_media

OPS = Path(__file__).resolve().parents[3] / "app" / "ops"
NAME, LABEL = re.compile(r"pugmark_\w+"), re.compile(r"by \(([\w, ]+)\)|\{(\w+)(?:=~|=)")


@pytest.fixture
def samples(services, client) -> dict[str, dict[tuple[str, ...], float]]:
    """What /metrics gives of a survey with a media, a worker and calls: values by labels, by name."""
    add_media(services.survey)
    presence = Presence(services.survey)
    call = {"task": "detect", "model": "pocket-detector", "backend": "modal", "items": 8, "queued_at": 1.0}
    times = {"started_at": 1.0, "finished_at": 11.0, "run_seconds": 4.0, "cold_start_seconds": 4.0}
    with services.survey.write() as session:
        session.add_all([Call(**call, **times, outcome="done"), Call(**call, **times, outcome="failed")])
    text = client.get("/metrics").text
    presence.leave()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
            LABELS.setdefault(sample.name, set()).update(sample.labels)
    return found


LABELS: dict[str, set[str]] = {}


def asked() -> dict[str, list[str]]:
    """The expressions of the dashboard and of the alerts."""
    panels = json.loads((OPS / "grafana.json").read_text(encoding="utf-8"))["panels"]
    rules = re.findall(r"expr: (.+)", (OPS / "alerts.yml").read_text(encoding="utf-8"))
    return {"grafana": [target["expr"] for panel in panels for target in panel["targets"]], "alerts": rules}


def test_every_figure_that_is_asked_for_is_exported_with_its_labels(samples):
    expressions = [query for some in asked().values() for query in some]
    assert len(expressions) > 20
    for expression in expressions:
        names = NAME.findall(expression)
        assert set(names) <= set(samples), expression
        wanted = {part.strip() for pair in LABEL.findall(expression) for part in [*pair[0].split(","), pair[1]] if part}
        assert wanted <= set().union(*(LABELS[name] for name in names)), expression


def test_every_figure_that_is_exported_is_on_the_dashboard(samples):
    exported = {name for name in samples if name.startswith("pugmark_")}
    assert exported - {name for expression in asked()["grafana"] for name in NAME.findall(expression)} == {
        "pugmark_calls_running"
    }


def test_queue_workers_stages_spend_and_disk_are_exported(samples):
    assert samples["pugmark_workers_alive"] == {(): 1.0}
    assert samples["pugmark_jobs_waiting"] == {(): 0.0}
    assert samples["pugmark_media"][("ready",)] == 1.0
    assert samples["pugmark_disk_free_bytes"][()] > 0
    assert samples["pugmark_model_dollars_total"][("modal", "pocket-detector")] > 0
    assert samples["pugmark_video_answers_dollars_total"] == {(): 0.0}
    assert samples["pugmark_answers_asked_total"] == {(): 1.0}
    assert samples["pugmark_answers_reused_total"] == {(): 0.0}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool, of Debian's prometheus")
def test_promtool_takes_the_alert_rules():
    subprocess.run(["promtool", "check", "rules", str(OPS / "alerts.yml")], check=True)
