"""The figures of the strip and of the ledger for Prometheus."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.jobs.presence import count_alive
from app.jobs.queue import Jobs
from app.survey.calls import reuse
from app.survey.calls.figures import Latency, ModelFigures
from app.survey.calls.overview import StripSnapshot
from app.survey.database import Survey
from app.survey.tables.media import Media, Stage
from app.survey.videos import answers
from modal_backend.registry import REMOTE
from modal_backend.remote.prices import per_second

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


@dataclass(frozen=True, slots=True)
class SurveyFigures:
    """The survey as a whole.

    Attributes:
        jobs_waiting: jobs in the queue that nobody has begun.
        workers_alive: workers whose heart beats.
        media: how many media are at each stage.
        free_bytes: room on the disk of the data folder.
        answers_dollars: what answers of video language models cost at the configured prices.
        files_asked, files_reused: files that came in, and those of them whose answers were kept from before.
    """

    jobs_waiting: int
    workers_alive: int
    media: Mapping[str, int]
    free_bytes: int
    answers_dollars: float
    files_asked: int
    files_reused: int


def survey_figures(survey: Survey, jobs: Jobs) -> SurveyFigures:
    """Read them."""
    with survey.read() as session:
        stages = sa.select(Media.stage, sa.func.count()).group_by(Media.stage)
        media = {str(stage): 0 for stage in Stage} | {row[0]: row[1] for row in session.execute(stages)}
        _, dollars, _ = answers.spent(session)
        asked = reuse.asked(session)
    free = shutil.disk_usage(survey.data_dir).free
    alive = count_alive(survey)
    return SurveyFigures(jobs.waiting(), alive, media, free, dollars, asked.files, asked.reused)


def metrics_text(strip: StripSnapshot, models: Sequence[ModelFigures], survey: SurveyFigures | None = None) -> str:
    """All figures in Prometheus' text format 0.0.4; those of the models are left out for an empty ledger."""
    return generate_latest(_Figures(strip, models, survey)).decode()


@dataclass(frozen=True, slots=True)
class _Figures:
    """A collector, as prometheus-client wants it."""

    strip: StripSnapshot
    models: Sequence[ModelFigures]
    survey: SurveyFigures | None

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        for name, field, text in STRIP:
            gauge, value = GaugeMetricFamily(name, text, labels=["backend"]), getattr(self.strip, field)
            gauge.add_metric([self.strip.backend], float("nan") if value is None else value)
            yield gauge
        if self.survey is not None:
            yield from _of_survey(self.survey)
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
        dollars = CounterMetricFamily(
            "pugmark_model_dollars", "What these seconds cost on Modal at list prices.", labels=OF_A_MODEL
        )
        for figures in self.models:
            labels = [figures.model, figures.backend]
            if figures.backend == "modal" and figures.model in REMOTE:
                dollars.add_metric(labels, (figures.run_seconds or 0) * per_second(figures.model))
            for outcome in COUNTED:
                ended.add_metric([*labels, outcome], getattr(figures, outcome))
            retries.add_metric(labels, figures.retries)
            under_way.add_metric(labels, figures.running)
            oldest.add_metric(labels, figures.oldest_seconds or 0)
            seconds.add_metric(labels, figures.run_seconds or 0)
        yield from (ended, retries, under_way, oldest, seconds, dollars)

    def _latencies(self) -> Iterator[Metric]:
        for name, part, text in SPLIT:
            gauge = GaugeMetricFamily(name, text, labels=[*OF_A_MODEL, "quantile"])
            for figures in self.models:
                latency: Latency = getattr(figures, part)
                for quantile, value in (("0.5", latency.p50), ("0.95", latency.p95)):
                    if value is not None:
                        gauge.add_metric([figures.model, figures.backend, quantile], value)
            yield gauge


def _of_survey(figures: SurveyFigures) -> Iterator[Metric]:
    yield GaugeMetricFamily("pugmark_jobs_waiting", "Jobs that nobody has begun.", value=figures.jobs_waiting)
    yield GaugeMetricFamily("pugmark_workers_alive", "Workers whose heart beats.", value=figures.workers_alive)
    yield GaugeMetricFamily("pugmark_disk_free_bytes", "Room on the disk of the data folder.", value=figures.free_bytes)
    yield CounterMetricFamily(
        "pugmark_video_answers_dollars", "What answers about videos cost, where it is known.",
        value=figures.answers_dollars,
    )  # fmt: skip
    yield CounterMetricFamily("pugmark_answers_asked", "Files that came in.", value=figures.files_asked)
    yield CounterMetricFamily(
        "pugmark_answers_reused", "Of them, those known by content: no model was called.", value=figures.files_reused
    )
    media = GaugeMetricFamily("pugmark_media", "Media, by how far the jobs have come.", labels=["stage"])
    for stage, count in figures.media.items():
        media.add_metric([stage], count)
    yield media
