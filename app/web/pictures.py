"""Thumbnails, crops, originals and browser-sized views, by content, with caching and Range."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import anyio
from PIL import Image, ImageOps
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from app import files
from app.settings import Settings
from app.web.tokens import READ, BadToken, Signer
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


class PictureRoutes:
    """GET routes of pictures. Each wants a read token in ?t=."""

    def __init__(self, opened: Callable[[], tuple[Settings, Signer]]) -> None:
        self._opened = opened
        self._two_at_once = anyio.CapacityLimiter(2)

    async def thumb(self, request: Request) -> Response:
        """The thumbnail of a media."""
        name = request.path_params["name"]
        if not THUMB.fullmatch(name):
            return _missing()
        return self._answer(request, lambda data_dir: files.thumb_path(data_dir, name[:64]))

    async def crop(self, request: Request) -> Response:
        """The crop of a detection, by <detection id>-<hash of the box>.jpg."""
        name = request.path_params["name"]
        if not CROP.fullmatch(name):
            return _missing()
        return self._answer(request, lambda data_dir: files.crop_path(data_dir, name))

    async def frame(self, request: Request) -> Response:
        """A frame of a video that was looked at, by its number."""
        sha256, name = request.path_params["sha256"], request.path_params["name"]
        if not SHA256.fullmatch(sha256) or not FRAME.fullmatch(name):
            return _missing()
        return self._answer(request, lambda data_dir: files.frame_path(data_dir, sha256, int(name[:-4])))

    async def file(self, request: Request) -> Response:
        """The original file of a media, with Range."""
        sha256 = request.path_params["sha256"]
        if not SHA256.fullmatch(sha256):
            return _missing()
        return self._answer(request, lambda data_dir: original(data_dir, sha256))

    async def view(self, request: Request) -> Response:
        """A JPEG of at most 1600 pixels, EXIF rotation applied, made on first request and kept."""
        name = request.path_params["name"]
        if not THUMB.fullmatch(name):
            return _missing()
        refused = self._refused(request)
        if refused is not None:
            return refused
        data_dir, sha256 = self._opened()[0].data_dir, name.removesuffix(".jpg")
        path = files.view_path(data_dir, sha256)
        if not path.is_file():
            source = original(data_dir, sha256)
            if source is None:
                return _missing()
            try:
                await anyio.to_thread.run_sync(make_view, source, path, limiter=self._two_at_once)
            except (OSError, ValueError, Image.DecompressionBombError) as error:
                return JSONResponse({"error": f"This picture cannot be drawn: {error}."}, status_code=422)
        return FileResponse(path, media_type="image/jpeg", headers=HEADERS)

    def _answer(self, request: Request, find: Callable[[Path], Path | None]) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        path = find(self._opened()[0].data_dir)
        if path is None or not path.is_file():
            return _missing()
        content_type = CONTENT_TYPES.get(path.suffix.removeprefix("."), "image/jpeg")
        return FileResponse(path, media_type=content_type, headers=HEADERS)

    def _refused(self, request: Request) -> Response | None:
        _, signer = self._opened()
        try:
            signer.check(request.query_params.get("t", ""), READ)
        except BadToken as error:
            return JSONResponse({"error": str(error)}, status_code=403)
        return None


def original(data_dir: Path, sha256: str) -> Path | None:
    """Where the original of a media lies, whatever its format; None when it is not there."""
    for suffix in CONTENT_TYPES:
        path = files.original_path(data_dir, sha256, f".{suffix}")
        if path.is_file():
            return path
    return None


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
