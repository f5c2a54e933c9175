"""PUT /api/uploads/<batch>/<path>: a file streamed to disk, and HEAD to ask whether it is there already."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from app import files
from app.web.services import Opened
from app.web.tokens import UPLOAD, BadToken
from modal_backend.weights.whole_file import whole_file

BATCH = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,63}")
LONGEST_PATH = 1024
LONGEST_NAME = 240
CHUNK_BYTES = 1024**2
RESERVE_BYTES = 200 * 1024**2
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class UploadRefused(Exception):
    """The upload cannot be taken; the text is one sentence for the person who uploads."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class UploadRoute:
    """Receives uploads into the folder of their batch."""

    def __init__(self, opened: Callable[[], Opened]) -> None:
        self._opened = opened

    async def receive(self, request: Request) -> Response:
        """Stream the body to disk; the file appears under its name when it is complete."""
        try:
            target = self._target(request)
            settings = self._opened().settings
            limit = settings.upload_max_bytes
            check_announced_size(request.headers.get("content-length"), limit, settings.data_dir)
            size = await store(request.stream(), target, limit)
        except UploadRefused as error:
            return JSONResponse({"error": str(error)}, status_code=error.status)
        except ClientDisconnect:
            return JSONResponse({"error": "The connection broke off: send the file again."}, status_code=400)
        return JSONResponse({"bytes": size}, status_code=201)

    async def ask(self, request: Request) -> Response:
        """200 with the size in Upload-Length when the file is there and complete, else 404."""
        try:
            target = self._target(request)
        except UploadRefused as error:
            return Response(status_code=error.status)
        if not target.is_file():
            return Response(status_code=404)
        return Response(headers={"Upload-Length": str(target.stat().st_size), "Cache-Control": "no-store"})

    def _target(self, request: Request) -> Path:
        opened = self._opened()
        batch = request.path_params["batch"]
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        try:
            opened.signer.check(token, UPLOAD, batch)
        except BadToken as error:
            raise UploadRefused(403, str(error)) from error
        if not BATCH.fullmatch(batch):
            raise UploadRefused(400, "The upload has no valid name.")
        parts = checked_parts(request.path_params["path"])
        return files.upload_folder(opened.settings.data_dir, batch).joinpath(*map(files.stored_name, parts))


def checked_parts(path: str) -> list[str]:
    """The components of a relative path. Raises UploadRefused for one that could leave its folder or not be stored."""
    parts = path.split("/")
    if not path or len(path) > LONGEST_PATH:
        raise UploadRefused(400, f"The file's path is empty or longer than {LONGEST_PATH} characters.")
    for part in parts:
        if part in ("", ".", "..") or "\\" in part:
            raise UploadRefused(400, "The file's path must be relative and stay inside the uploaded folder.")
        if any(ord(character) < 32 or ord(character) == 127 for character in part):
            raise UploadRefused(400, "The file's name has control characters: rename it.")
        if len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
            raise UploadRefused(400, f"A name in the file's path is longer than {LONGEST_NAME} bytes: shorten it.")
    return parts


def check_announced_size(content_length: str | None, limit: int, data_dir: Path) -> None:
    """Raises UploadRefused before the first byte when the file is too large or the disk has no room for it."""
    announced = int(content_length) if content_length and content_length.isdigit() else 0
    if announced > limit:
        raise too_large(limit)
    if announced and shutil.disk_usage(data_dir).free < announced + RESERVE_BYTES:
        raise disk_full()


async def store(stream: AsyncIterator[bytes], target: Path, limit: int) -> int:
    """Write the stream beside the target, then rename it. Returns the number of bytes; leaves nothing on a failure."""
    try:
        with whole_file(target) as part, part.open("wb") as file:
            return await _pour(stream, file, part.parent, limit)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise disk_full() from error
        raise UploadRefused(409, f"The file cannot be stored under this name ({error.strerror}).") from error


async def _pour(stream: AsyncIterator[bytes], file: BinaryIO, folder: Path, limit: int) -> int:
    size, waiting = 0, bytearray()
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        waiting += chunk
        if len(waiting) >= CHUNK_BYTES:
            if shutil.disk_usage(folder).free < RESERVE_BYTES:
                raise disk_full()
            await anyio.to_thread.run_sync(file.write, waiting)
            waiting = bytearray()
    await anyio.to_thread.run_sync(file.write, waiting)
    return size


def too_large(limit: int) -> UploadRefused:
    """The refusal of a file over the limit (bytes)."""
    return UploadRefused(413, f"The file is larger than the {limit / 1024**2:,.0f} MB this dashboard takes.")


def disk_full() -> UploadRefused:
    """The refusal when the data directory's disk has no room."""
    return UploadRefused(507, "The server's disk is full: what was sent before is kept; make room and try again.")
