"""The dashboard's own HTTP routes, beside Streamlit's. Outside its login: all but /healthz and facts want a token."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from functools import partial
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address

import anyio
import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.jobs.queue import Jobs
from app.survey.calls.figures import ModelFigures, model_figures
from app.survey.calls.overview import StripSnapshot, snapshot
from app.survey.database import Survey
from app.web.demo import DemoFull, current_visitor
from app.web.exports import ExportRoute
from app.web.metrics import SurveyFigures, metrics_text, survey_figures
from app.web.pictures import PictureRoutes
from app.web.scripts import script
from app.web.services import Opened, Services
from app.web.species import species
from app.web.tokens import READ, refusal
from app.web.uploads import UploadRoute

WRITE_SECONDS = 5.0
RESERVE_BYTES = 50 * 1024**2
# What proxies add: the address of the connection is then theirs, not the asker's.
FORWARDED = frozenset(
    [
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
    ]
)


def build_routes(state: Services) -> list[Route]:
    """All routes over one set of services."""
    opened = partial(_opened, state)
    pictures, uploads, exports = PictureRoutes(opened), UploadRoute(opened), ExportRoute(opened)
    figures = FigureRoutes(state)
    return [
        Route("/healthz", figures.healthz),
        Route("/metrics", figures.metrics),
        Route("/api/stats", figures.stats),
        Route("/scripts/{version}/{path:path}", script),
        Route("/api/species", species),
        Route("/thumbs/{name}", pictures.thumb),
        Route("/crops/{name}", pictures.crop),
        Route("/files/{sha256}", pictures.file),
        Route("/frames/{sha256}/{name}", pictures.frame),
        Route("/views/{name}", pictures.view),
        Route("/api/export/{number:int}/{name}", exports.export),
        Route("/api/uploads/{batch}/{path:path}", uploads.receive, methods=["PUT"]),
        Route("/api/uploads/{batch}/{path:path}", uploads.ask, methods=["HEAD"]),
    ]


def _opened(state: Services) -> Opened:
    """What the visitor whose request this is works on."""
    try:
        return state.of_visitor(current_visitor()).opened()
    except (LookupError, DemoFull) as error:
        raise HTTPException(403, str(error)) from error


class FigureRoutes:
    """/healthz, /metrics and /api/stats."""

    def __init__(self, state: Services) -> None:
        self._state = state
        self._one_check = anyio.Semaphore(1)
        self._jobs: Jobs | None = None

    async def healthz(self, _request: Request) -> Response:
        """200 when the survey can be written and the worker (if this server runs one) is alive, else 503."""
        checks = {"survey": await self._survey_check(), "worker": self._worker_check()}
        healthy = all(text in ("ok", "not started here") for text in checks.values())
        return JSONResponse(checks | {"healthy": healthy}, status_code=200 if healthy else 503)

    async def metrics(self, request: Request) -> Response:
        """The figures of the strip and of every model for Prometheus; for this machine, or with the metrics token."""
        if not self._may_read_metrics(request):
            return JSONResponse({"error": "Metrics are for this machine or for the metrics token."}, status_code=403)
        text = metrics_text(await self._snapshot(), *await anyio.to_thread.run_sync(self._whole))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def stats(self, request: Request) -> Response:
        """The same figures as JSON; also with a read token."""
        if not (self._may_read_metrics(request) or self._has_read_token(request)):
            return JSONResponse({"error": "The address is not signed: reload the page."}, status_code=403)
        return JSONResponse(asdict(await self._snapshot()), headers={"Cache-Control": "no-store"})

    async def _snapshot(self) -> StripSnapshot:
        backend = _opened(self._state).settings.active_backend
        return await anyio.to_thread.run_sync(snapshot, self._state.opened().survey, backend.value)

    def _whole(self) -> tuple[list[ModelFigures], SurveyFigures]:
        now = self._state.opened()
        self._jobs = self._jobs or Jobs(now.survey, now.settings)
        with now.survey.read() as session:
            models = model_figures(session)
        return models, survey_figures(now.survey, self._jobs)

    async def _survey_check(self) -> str:
        if not self._state.ready:
            return "not open yet"
        now = self._state.opened()
        if shutil.disk_usage(now.settings.data_dir).free < RESERVE_BYTES:
            return "the disk of the data directory is full"
        answer = f"the survey could not be written within {WRITE_SECONDS:.0f} s"
        with anyio.move_on_after(WRITE_SECONDS):
            async with self._one_check:
                answer = await anyio.to_thread.run_sync(_write, now.survey, abandon_on_cancel=True)
        return answer

    def _worker_check(self) -> str:
        worker = self._state.worker
        if worker is None:
            return "not started here"
        return "ok" if worker.alive() else "not running"

    def _may_read_metrics(self, request: Request) -> bool:
        settings = _opened(self._state).settings
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if settings.metrics_token and compare_digest(given.encode(), settings.metrics_token.encode()):
            return True
        return not FORWARDED.intersection(request.headers.keys()) and _is_loopback(
            request.client.host if request.client else ""
        )

    def _has_read_token(self, request: Request) -> bool:
        return refusal(_opened(self._state).signer, request, READ) is None


def _write(survey: Survey) -> str:
    try:
        with survey.write() as session:
            session.execute(sa.text("UPDATE alembic_version SET version_num = version_num"))
    except sa.exc.SQLAlchemyError as error:
        return f"the survey cannot be written: {type(error).__name__}"
    return "ok"


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = (
        address.ipv4_mapped if isinstance(address, IPv6Address) else None
    )  # ::ffff:127.0.0.1 on a dual-stack socket
    return (mapped or address).is_loopback
