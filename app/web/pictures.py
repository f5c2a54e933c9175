"""Thumbnails, crops, originals and browser-sized views, by content, with caching and Range.

People are blurred here, so that no page can forget it, until somebody decides to show those of a picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
from PIL import Image, ImageOps
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from app import files
from app.storage import shared
from app.storage.errors import StoreError
from app.survey.detections import people
from app.survey.detections.blur import blurred_jpeg
from app.web.services import Opened
from app.web.tokens import READ, refusal
from modal_backend.contracts import Box
from modal_backend.errors import sentence
from modal_backend.weights.whole_file import whole_file

THUMB = re.compile(r"[0-9a-f]{64}\.jpg")
CROP = re.compile(r"\d{1,18}-[0-9a-f]{8}\.jpg")
SHA256 = re.compile(r"[0-9a-f]{64}")
FRAME = re.compile(r"\d{1,9}\.jpg")
CONTENT_TYPES = {
    "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp",
    "tif": "image/tiff", "bmp": "image/bmp", "gif": "image/gif", "heic": "image/heic",
    "mp4": "video/mp4", "mov": "video/quicktime", "avi": "video/x-msvideo", "asf": "video/x-ms-asf",
    "mkv": "video/x-matroska", "webm": "video/webm", "mpg": "video/mpeg", "ts": "video/mp2t",
}  # fmt: skip
VIEW_PIXELS = 1600
VIEW_QUALITY = 85
HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
}
# What is blurred now may be shown a moment later, and the other way round.
PEOPLE_HEADERS = HEADERS | {"Cache-Control": "no-store"}
Hidden = Callable[[Session], list[Box] | None]


class PictureRoutes:
    """GET routes of pictures. Each wants a read token in ?t=."""

    def __init__(self, opened: Callable[[], Opened]) -> None:
        self._opened = opened
        self._two_at_once = anyio.CapacityLimiter(2)

    async def thumb(self, request: Request) -> Response:
        """The thumbnail of a media."""
        name = request.path_params["name"]
        if not THUMB.fullmatch(name):
            return _missing()
        hidden = partial(people.hidden, sha256=name[:64])
        return await self._answer(request, lambda data_dir: files.thumb_path(data_dir, name[:64]), hidden)

    async def crop(self, request: Request) -> Response:
        """The crop of a detection, by <detection id>-<hash of the box>.jpg."""
        name = request.path_params["name"]
        if not CROP.fullmatch(name):
            return _missing()
        hidden = partial(people.hidden_in_crop, detection_id=int(name.partition("-")[0]))
        return await self._answer(request, lambda data_dir: files.crop_path(data_dir, name), hidden)

    async def frame(self, request: Request) -> Response:
        """A frame of a video that was looked at, by its number."""
        sha256, name = request.path_params["sha256"], request.path_params["name"]
        if not SHA256.fullmatch(sha256) or not FRAME.fullmatch(name):
            return _missing()
        hidden = partial(people.hidden, sha256=sha256, frame=int(name[:-4]))
        return await self._answer(request, lambda data_dir: files.frame_path(data_dir, sha256, int(name[:-4])), hidden)

    async def file(self, request: Request) -> Response:
        """The original file of a media, with Range; not while people on it are to be hidden."""
        sha256 = request.path_params["sha256"]
        if not SHA256.fullmatch(sha256):
            return _missing()
        hidden = partial(people.hidden, sha256=sha256)
        if self._refused(request) is None and await self._hidden(hidden):
            return JSONResponse({"error": "There may be people on it: show them on Detections (P) first."}, 403)
        return await self._answer(request, lambda data_dir: shared.original(data_dir, sha256), hidden)

    async def view(self, request: Request) -> Response:
        """A JPEG of at most 1600 pixels, EXIF rotation applied, made on first request and kept."""
        name = request.path_params["name"]
        if not THUMB.fullmatch(name):
            return _missing()
        refused = self._refused(request)
        if refused is not None:
            return refused
        data_dir, sha256 = self._opened().settings.data_dir, name.removesuffix(".jpg")
        path = files.view_path(data_dir, sha256)
        if not path.is_file():
            try:
                await anyio.to_thread.run_sync(fetch_or_make_view, data_dir, sha256, limiter=self._two_at_once)
            except FileNotFoundError:
                return _missing()
            except StoreError as error:
                return _unfetched(error)
            except (OSError, ValueError, Image.DecompressionBombError) as error:
                return JSONResponse({"error": f"This picture cannot be drawn: {error}."}, status_code=422)
        return await self._answer(request, lambda _: path, partial(people.hidden, sha256=sha256))

    async def _answer(self, request: Request, find: Callable[[Path], Path], hidden: Hidden) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        data_dir = self._opened().settings.data_dir
        try:
            path = await anyio.to_thread.run_sync(lambda: shared.here(data_dir, find(data_dir)))
        except FileNotFoundError:
            return _missing()
        except StoreError as error:
            return _unfetched(error)
        if not path.is_file():
            return _missing()
        boxes = await self._hidden(hidden)
        if boxes:
            content = await anyio.to_thread.run_sync(blurred_jpeg, path, boxes, limiter=self._two_at_once)
            return Response(content, media_type="image/jpeg", headers=PEOPLE_HEADERS)
        content_type = CONTENT_TYPES.get(path.suffix.removeprefix("."), "image/jpeg")
        headers = HEADERS if boxes is None else PEOPLE_HEADERS
        return FileResponse(path, media_type=content_type, headers=headers)

    async def _hidden(self, hidden: Hidden) -> list[Box] | None:
        survey = self._opened().survey

        def read() -> list[Box] | None:
            with survey.read() as session:
                return hidden(session)

        return await anyio.to_thread.run_sync(read)

    def _refused(self, request: Request) -> Response | None:
        return refusal(self._opened().signer, request, READ)


def fetch_or_make_view(data_dir: Path, sha256: str) -> None:
    """Have a media in browser size in the data folder: the key frame of a video, or an image made from its original.

    Raises FileNotFoundError, StorageError, and OSError or ValueError when the picture cannot be read or written.
    """
    path = files.view_path(data_dir, sha256)
    if not shared.is_here(data_dir, path):
        make_view(shared.original(data_dir, sha256), path)
        with suppress(StoreError):
            shared.share(data_dir, path)


def make_view(source: Path, target: Path) -> None:
    """Write a JPEG of at most 1600 pixels on its longer side, with the EXIF rotation applied and no metadata.

    Raises OSError or ValueError when the picture cannot be read or written.
    """
    with whole_file(target) as part, Image.open(source) as picture:
        picture.draft("RGB", (VIEW_PIXELS, VIEW_PIXELS))
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((VIEW_PIXELS, VIEW_PIXELS), Image.Resampling.LANCZOS)
        upright.convert("RGB").save(part, "JPEG", quality=VIEW_QUALITY, progressive=True)


def _missing() -> Response:
    return JSONResponse({"error": "There is no such file in this survey."}, status_code=404)


def _unfetched(error: StoreError) -> Response:
    return JSONResponse({"error": sentence(error)}, status_code=503, headers={"Cache-Control": "no-store"})
