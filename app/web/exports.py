"""GET /api/export/<format>: writes the file in a thread of its own, sends it in pieces and removes it again."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import anyio
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from app import files
from app.exchange.camtrap_dp import Statement
from app.exchange.formats import FORMATS
from app.exchange.identifiers import ExportRefused
from app.exchange.images_zip import SORTED_BY
from app.exchange.writers import Wish
from app.survey.capture.effort import NoEffort
from app.survey.capture.history import FLANKS, Design
from app.survey.database import Survey
from app.web.tokens import EXPORT, BadToken, Signer

AT_ONCE = 2
LEFT_AFTER_SECONDS = 24 * 3600
MOST_DAYS, MOST_OCCASIONS, MOST_IDS = 3_660, 10_000, 2**53
CONTENT_TYPES = {
    "zip": "application/zip",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ExportRoute:
    """Each request wants an export token in ?t= that was made for its format."""

    def __init__(self, opened: Callable[[], tuple[Survey, Signer]]) -> None:
        self._opened = opened
        self._limit = anyio.CapacityLimiter(AT_ONCE)

    async def export(self, request: Request) -> Response:
        """The file; 403 without a token, 404 for a format that does not exist, 422 with a sentence when refused."""
        kind = request.path_params["kind"]
        survey, signer = self._opened()
        if kind not in FORMATS:
            return JSONResponse({"error": "There is no such format."}, status_code=404)
        try:
            signer.check(request.query_params.get("t", ""), EXPORT, kind)
        except BadToken as error:
            return JSONResponse({"error": str(error)}, status_code=403)
        folder = files.exports_folder(survey.data_dir)
        folder.mkdir(exist_ok=True)
        _sweep(folder)
        # A file that is written for one request cannot be asked for piece by piece.
        request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] not in (b"range", b"if-range")]
        out = folder / f"{secrets.token_hex(8)}.part"
        try:
            wish = wish_of(request.query_params)
            await anyio.to_thread.run_sync(FORMATS[kind].write, survey, wish, out, limiter=self._limit)
        except (ExportRefused, NoEffort, ValueError) as refused:
            out.unlink(missing_ok=True)
            return JSONResponse({"error": str(refused)}, status_code=422)
        except OSError as error:
            out.unlink(missing_ok=True)
            return JSONResponse({"error": f"The file could not be written ({error.strerror})."}, status_code=507)
        return _sent(out, _name(kind, request.query_params.get("name", "")), FORMATS[kind].suffix)


def wish_of(values: Mapping[str, str]) -> Wish:
    """What an address asks for. Raises ValueError with a sentence for values that cannot be."""
    flank = values.get("flank") or "any"
    if flank not in FLANKS:
        raise ValueError(f"{flank} is not a flank: {', '.join(FLANKS)}.")
    try:
        design = Design(
            occasion_days=_whole(values.get("days") or "5", MOST_DAYS),
            start=date.fromisoformat(values["start"]) if values.get("start") else None,
            occasions=_whole(values["occasions"], MOST_OCCASIONS) if values.get("occasions") else None,
            species=values.get("species") or None,
            flank=flank,
        )
        individual = _whole(values["individual"], MOST_IDS) if values.get("individual") else None
    except ValueError as error:
        raise ValueError(f"The address of this export is wrong: {error}.") from error
    statement = Statement(
        title=(values.get("title") or "Camera-trap survey")[:200],
        sampling=values.get("sampling") or "",
        method=values.get("method") or "",
        utc_offset=values.get("utc_offset") or None,
    )
    sorted_by = values.get("by") or SORTED_BY[0]
    if sorted_by not in SORTED_BY:
        raise ValueError(f"Images are not sorted by {sorted_by}: {' or '.join(SORTED_BY)}.")
    who = (values.get("who") or "Pugmark")[:80]
    return Wish(design, values.get("exact") == "yes", individual, statement, who, sorted_by)


def _whole(text: str, most: int) -> int:
    """A whole number from 1 to `most`. Raises ValueError with a sentence for anything else."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"{text[:20]} is not a whole number from 1 to {most:,}")
    return int(text)


def _sweep(folder: Path) -> None:
    """Remove what an ended server or a broken connection left behind."""
    for left in folder.iterdir():
        try:
            if left.stat().st_mtime < time.time() - LEFT_AFTER_SECONDS:
                left.unlink()
        except FileNotFoundError:
            continue


def _name(kind: str, name: str) -> str:
    return f"pugmark-{kind}-{files.name_of_text(name, 'one')}" if name else f"pugmark-{kind}"


def _sent(path: Path, name: str, suffix: str) -> Response:
    return FileResponse(
        path,
        media_type=CONTENT_TYPES[suffix],
        filename=f"{name}.{suffix}",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
        background=BackgroundTask(path.unlink, missing_ok=True),
    )
