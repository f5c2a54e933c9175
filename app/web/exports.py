"""GET /api/export/<id>/<name>: a file that the worker has written, sent from disk; also a part of it by range."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from app.exchange.writers import readme_beside
from app.storage import shared
from app.storage.errors import StoreError
from app.survey.database import Survey
from app.survey.exports import written
from app.web.services import Opened
from app.web.tokens import EXPORT, refusal
from modal_backend.errors import sentence

CONTENT_TYPES = {
    ".zip": "application/zip",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class ExportRoute:
    """Each request wants an export token in ?t= that was made for this file."""

    def __init__(self, opened: Callable[[], Opened]) -> None:
        self._opened = opened

    async def export(self, request: Request) -> Response:
        """The file, or the README beside it; 403 without a token, 404 when it is not there (any more)."""
        number, name = request.path_params["number"], request.path_params["name"]
        survey = self._opened().survey
        if refused := refusal(self._opened().signer, request, EXPORT, str(number)):
            return refused
        found = await anyio.to_thread.run_sync(_view, survey, number)
        path = found.path if found is not None else None
        if path is not None and name == readme_beside(path).name:
            path = readme_beside(path)
        try:
            there = path is not None and await anyio.to_thread.run_sync(shared.is_here, survey.data_dir, path)
        except StoreError as error:
            return JSONResponse({"error": sentence(error)}, status_code=503)
        if path is None or path.name != name or not there:
            gone = f"This file is not there any more: files are kept for {written.KEPT_DAYS} days. Write it again."
            return JSONResponse({"error": gone}, status_code=404)
        return FileResponse(path, media_type=CONTENT_TYPES[path.suffix], filename=name, headers=HEADERS)


def _view(survey: Survey, number: int) -> written.ExportView | None:
    with survey.read() as session:
        return written.view(session, survey.data_dir, number)
