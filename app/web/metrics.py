"""The figures of the strip and of the ledger for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.survey.calls.figures import Latency, ModelFigures
from app.survey.calls.overview import StripSnapshot

COUNTED = ("done", "failed", "lost", "cancelled")
SPLIT = (
    ("pugmark_call_total_seconds", "total", "Duration of a call, over the newest calls that ended well."),
    ("pugmark_call_waiting_seconds", "waiting", "Of it: waiting, neither loading nor running."),
    ("pugmark_call_cold_start_seconds", "cold_start", "Of it: loading the model, of calls that met a cold container."),
    ("pugmark_call_run_seconds", "run", "Of it: running the model."),
)
STRIP = (
    ("pugmark_media_queued", "queued", "Media that wait for a job."),
    ("pugmark_calls_running", "running", "Model calls under way."),
    ("pugmark_media_failed", "failed", "Media whose job failed."),
    ("pugmark_call_seconds_p50", "p50", "Median call duration of the last five minutes."),
    ("pugmark_call_seconds_p95", "p95", "95th percentile of the call duration of the last five minutes."),
)
OF_A_MODEL = ("model", "backend")


def metrics_text(strip: StripSnapshot, models: Sequence[ModelFigures]) -> str:
    """All figures in Prometheus' text format 0.0.4; those of the models are left out for an empty ledger."""
    return generate_latest(_Figures(strip, models)).decode()


@dataclass(frozen=True, slots=True)
class _Figures:
    """A collector, as prometheus-client wants it."""

    strip: StripSnapshot
    models: Sequence[ModelFigures]

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        for name, field, text in STRIP:
            gauge, value = GaugeMetricFamily(name, text, labels=["backend"]), getattr(self.strip, field)
            gauge.add_metric([self.strip.backend], float("nan") if value is None else value)
            yield gauge
        if self.models:
            yield from self._counts()
            yield from self._latencies()

    def _counts(self) -> Iterator[Metric]:
        ended = CounterMetricFamily("pugmark_calls", "Calls that ended, by outcome.", labels=[*OF_A_MODEL, "outcome"])
        retries = CounterMetricFamily("pugmark_call_retries", "Attempts beyond the first.", labels=OF_A_MODEL)
        under_way = GaugeMetricFamily("pugmark_calls_open", "Calls under way.", labels=OF_A_MODEL)
        oldest = GaugeMetricFamily("pugmark_call_oldest_seconds", "Age of the longest open call.", labels=OF_A_MODEL)
        seconds = CounterMetricFamily(
            "pugmark_model_seconds", "Seconds of running and loading, over all calls.", labels=OF_A_MODEL
        )
        for figures in self.models:
            labels = [figures.model, figures.backend]
            for outcome in COUNTED:
                ended.add_metric([*labels, outcome], getattr(figures, outcome))
            retries.add_metric(labels, figures.retries)
            under_way.add_metric(labels, figures.running)
            oldest.add_metric(labels, figures.oldest_seconds or 0)
            seconds.add_metric(labels, figures.run_seconds or 0)
        yield from (ended, retries, under_way, oldest, seconds)

    def _latencies(self) -> Iterator[Metric]:
        for name, part, text in SPLIT:
            gauge = GaugeMetricFamily(name, text, labels=[*OF_A_MODEL, "quantile"])
            for figures in self.models:
                latency: Latency = getattr(figures, part)
                for quantile, value in (("0.5", latency.p50), ("0.95", latency.p95)):
                    if value is not None:
                        gauge.add_metric([figures.model, figures.backend, quantile], value)
            yield gauge
