"""Demo mode: every browser has a survey of its own, which nobody else sees and which is removed after a day.

A visitor is known by a cookie that cannot be guessed. Each has a folder, a database and a worker; a worker that nobody
looks at is stopped and started again when its visitor comes back.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.jobs.process import WorkerProcess
from app.sample.demo_survey import sample_import
from app.settings import Settings
from app.survey.database import open_survey
from app.web.services import Services
from app.web.tokens import open_signer

COOKIE = "pugmark-visitor"
VISITOR = re.compile(r"[0-9a-f]{32}")
HOURS = 24
MOST_FILES, MOST_FILE_BYTES, MOST_BYTES = 200, 50 * 1024**2, 1024**3
MOST_AT_ONCE = 6  # visitors with a worker
IDLE_SECONDS = 900.0
SWEEP_SECONDS = 60.0
LIMITS = (
    "This demo survey, with the synthetic sample, is yours alone, in this browser. "
    f"You can bring in up to {MOST_FILES} images and videos of {MOST_FILE_BYTES // 1024**2} MB at most, no zips; "
    f"everything is removed {HOURS} hours after you came."
)
_visitor: ContextVar[str | None] = ContextVar("visitor", default=None)


class DemoFull(Exception):
    """Too many visitors are here at once; the text says what to do."""


@dataclass(slots=True)
class Visit:
    """One visitor's survey. seen_at: monotonic seconds; files, bytes: what was sent since the server started."""

    services: Services
    folder: Path
    seen_at: float = field(default_factory=time.monotonic)
    files: int = 0
    bytes: int = 0


class Demo:
    """The visitors of this server. May be shared between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.data_dir / "visitors"
        self._root.mkdir(parents=True, exist_ok=True)
        self._visits: dict[str, Visit] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep_for_ever, name="demo-sweep", daemon=True)
        self._sweeper.start()

    def of(self, visitor: str) -> Visit:
        """The survey of a visitor; made when it is new, its worker started when it was stopped.

        Raises:
            DemoFull: as many visitors as this server takes have a worker.
        """
        with self._lock:
            visit = self._visits.get(visitor)
            if visit is None:
                self._check_room()
                visit = self._visits[visitor] = self._opened(self._root / visitor)
            visit.seen_at = time.monotonic()
            if visit.services.worker is None and self._settings.start_worker:
                self._check_room()
                visit.services.worker = self._worker(visit.folder)
            return visit

    def sweep(self, now: float | None = None) -> int:
        """Stop workers that nobody looks at, and remove what is a day old; returns how many were removed.

        now: seconds since 1970.
        """
        now = time.time() if now is None else now
        removed = 0
        with self._lock:
            for visit in self._visits.values():
                if time.monotonic() - visit.seen_at > IDLE_SECONDS:
                    _stop(visit)
            for folder in list(self._root.iterdir()):
                arrived = folder / "arrived"
                if arrived.is_file() and now - arrived.stat().st_mtime > HOURS * 3600:
                    gone = self._visits.pop(folder.name, None)
                    if gone is not None:
                        _close(gone)
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
        return removed

    def close(self) -> None:
        """Stop all workers and close all surveys; what visitors brought stays until its day is over."""
        self._closing.set()
        with self._lock:
            for visit in self._visits.values():
                _close(visit)
            self._visits.clear()

    def _check_room(self) -> None:
        working = sum(visit.services.worker is not None for visit in self._visits.values())
        if working >= MOST_AT_ONCE:
            raise DemoFull(
                "As many people as this demo takes are trying it now. Please come back in a quarter of an hour."
            )

    def _opened(self, folder: Path) -> Visit:
        folder.mkdir(exist_ok=True)
        arrived = folder / "arrived"
        is_new = not arrived.exists()
        if is_new:
            arrived.touch()
        settings = self._settings.model_copy(
            update={
                "data_dir": folder, "database_url": None, "import_roots": [], "reviewer": "you",
                "upload_max_bytes": MOST_FILE_BYTES, "omnivinci_api_key": None,
            }
        )  # fmt: skip
        survey = open_survey(settings)
        if is_new:
            sample_import(survey)  # the worker finds it by itself
        return Visit(Services(settings, survey, open_signer(folder)), folder)

    def _worker(self, folder: Path) -> WorkerProcess:
        worker = WorkerProcess(environment={"PUGMARK_DATA_DIR": str(folder), "PUGMARK_DEMO": "false"})
        worker.start()
        return worker

    def _sweep_for_ever(self) -> None:
        while not self._closing.wait(SWEEP_SECONDS):
            self.sweep()


def visitor_of(cookies: str) -> str | None:
    """The visitor that a Cookie header names, if it does."""
    found = SimpleCookie(cookies).get(COOKIE)
    return found.value if found is not None and VISITOR.fullmatch(found.value) else None


def current_visitor() -> str | None:
    """The visitor whose request is being answered."""
    return _visitor.get()


class DemoGate:
    """Knows visitors by their cookie, gives one to who has none, and keeps uploads within the limits."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        demo: Any = self._services.demo
        if scope["type"] != "http" or demo is None:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        known = visitor_of(headers.get("cookie", ""))
        token = _visitor.set(known)
        try:
            refusal = _over_limit(demo, known, scope, headers)
            if refusal is not None:
                await refusal(scope, receive, send)
                return

            async def with_cookie(message: Message) -> None:
                if message["type"] == "http.response.start" and known is None:
                    cookie = f"{COOKIE}={secrets.token_hex(16)}; Path=/; Max-Age={HOURS * 3600}; HttpOnly; SameSite=Lax"
                    MutableHeaders(scope=message).append("Set-Cookie", cookie)
                await send(message)

            wants_page = "text/html" in headers.get("accept", "")
            await self._app(scope, receive, with_cookie if wants_page else send)
        finally:
            _visitor.reset(token)


def demo_gate(services: Services) -> Middleware:
    """The gate as Streamlit's server takes it."""
    return Middleware(DemoGate, services=services)


def _over_limit(demo: Demo, visitor: str | None, scope: Scope, headers: Headers) -> JSONResponse | None:
    """Why an upload is refused; None for one that is not, and for every other request. Counts what is sent."""
    if scope["method"] != "PUT" or not scope["path"].startswith("/api/uploads/"):
        return None
    if visitor is None:
        return JSONResponse({"error": "Reload the page: the demo does not know this browser."}, status_code=403)
    if scope["path"].lower().endswith(".zip"):
        return JSONResponse({"error": "This demo takes images and videos, not zips."}, status_code=415)
    visit = demo.of(visitor)
    announced = headers.get("content-length", "")
    size = int(announced) if announced.isdigit() else MOST_FILE_BYTES
    if visit.files >= MOST_FILES or visit.bytes + size > MOST_BYTES:
        return JSONResponse({"error": f"This demo takes {MOST_FILES} files, 1 GB in all."}, status_code=403)
    visit.files, visit.bytes = visit.files + 1, visit.bytes + size
    return None


def _stop(visit: Visit) -> None:
    if visit.services.worker is not None:
        visit.services.worker.stop()
        visit.services.worker = None


def _close(visit: Visit) -> None:
    _stop(visit)
    if visit.services.survey is not None:
        visit.services.survey.close()
