"""python -m app doctor: what works on this machine. Ready means that it has just answered one test input."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.backends import modal_backend
from app.commands.output import tell
from app.settings import Backend, Settings
from app.survey.database import open_survey
from modal_backend.contracts import Failure
from modal_backend.embedded import EmbeddedBackend
from modal_backend.error_map import DEPLOY
from modal_backend.errors import BackendError, WeightsMissing
from modal_backend.registry import DETECTOR, EMBEDDING, LOCAL, LOCAL_FINE, MODELS
from modal_backend.wire import check_contract


@dataclass(frozen=True, slots=True)
class Finding:
    """State of one thing: ready, weights missing, not configured, not deployed, unreachable or unavailable."""

    name: str
    task: str
    state: str
    reason: str = ""
    remedy: str = ""
    sha256: str = ""


def run(settings: Settings, *, as_json: bool) -> int:
    """Exit status 0 when everything the backend in use needs is ready, else 1."""
    backend = EmbeddedBackend()
    findings = [
        _checked("survey database", "store", lambda: _survey_answers(settings)),
        _checked("job queue", "queue", lambda: _queue_answers(settings)),
        *[_model(backend, name, test_input) for name, test_input in _inputs().items()],
        *_modal(settings),
    ]
    lines = [f"{one.name:20} {one.task:16} {one.state:16} {one.reason} {one.remedy}".rstrip() for one in findings]
    tell(as_json, [asdict(one) for one in findings], "\n".join(lines))
    needed = {"survey database", "job queue", DETECTOR, EMBEDDING, LOCAL}
    if settings.active_backend is Backend.MODAL:
        needed = {"survey database", "job queue", "modal"}
    return 0 if all(one.state == "ready" for one in findings if one.name in needed) else 1


def _inputs() -> dict[str, Callable[[], Any]]:
    def picture() -> Any:
        return np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)

    def prepared() -> Any:
        from modal_backend.models.pocket_detector import PocketDetector

        return PocketDetector.prepare(picture())

    return {DETECTOR: prepared, EMBEDDING: picture, LOCAL: picture, LOCAL_FINE: picture}


def _model(backend: EmbeddedBackend, name: str, test_input: Callable[[], Any]) -> Finding:
    task = str(MODELS[name].task)
    try:
        start = time.monotonic()
        result = backend.call(name, [test_input()])
    except WeightsMissing as error:
        return Finding(name, task, "weights missing", str(error), error.remedy)
    except (BackendError, ImportError) as error:
        return Finding(name, task, "not configured", str(error), "Run: pip install -r requirements.txt")
    if isinstance(result.values[0], Failure):
        return Finding(name, task, "not configured", result.values[0].reason, "Run: pip install -r requirements.txt")
    took = f"answered a test input in {time.monotonic() - start:.2f} s, loading included"
    return Finding(name, task, "ready", took, "", result.provenance.weights_sha256)


def _modal(settings: Settings) -> list[Finding]:
    """Token, deployment, versions and models of the app on Modal."""
    if settings.active_backend is not Backend.MODAL:
        reason = "switched off" if settings.modal_enabled is False else "no token"
        remedy = "Nothing to do for the embedded backend. For Modal: modal token new, then " + DEPLOY
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
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    missing = [name for name, entry in MODELS.items() if not entry.here]
    return [
        Finding("modal", "backend", "ready", f"{settings.modal_app_name} answered: {told}"),
        *[Finding(name, str(MODELS[name].task), "unavailable", "Not in this version.") for name in missing],
    ]


def _checked(name: str, task: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, task, "ready", check())
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
    from app.worker import run_worker

    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(update={"data_dir": Path(folder), "database_url": None})
        start = time.monotonic()
        run_worker(open_survey(own), own, threading.Event(), lambda: True)
        return f"a worker came up in {time.monotonic() - start:.1f} s"
