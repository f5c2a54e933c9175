"""One decode of a picture file: proof that it is whole, its pixels, its size and its EXIF."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.ingest.decoding import DECODER, check_bytes, decoding_bytes, in_turn, reduced_rgb
from app.ingest.dng import preview_of_dng
from app.ingest.exif import Exif, read_exif
from app.ingest.formats import HEAD_BYTES, BrokenOff, ImageFormat, check_structure, format_of, is_video, webp_canvas
from app.ingest.limits import Limits
from app.ingest.refusals import Refusal, Refused
from app.ingest.source import open_file
from app.ingest.xmp import with_xmp
from modal_backend.contracts import Picture

THUMB_SIDE = 256
THUMB_QUALITY = 80
GREY_SHARE = 0.99  # of a cut JPEG: less than a hundredth of it shows nothing
END_OF_JPEG = b"\xff\xd9"


def _open_heif(stream: BinaryIO) -> ImageFile.ImageFile:
    from pillow_heif.as_plugin import HeifImageFile

    return HeifImageFile(stream)


OPEN: dict[ImageFormat, Callable[[BinaryIO], ImageFile.ImageFile]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "tiff": TiffImageFile,
    "bmp": BmpImageFile,
    "gif": GifImageFile,
    "heif": _open_heif,
}
TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNED_ALREADY = ("tiff", "heif")  # by their decoders
DECODER_ERRORS = (
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    AttributeError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one decode gave.

    Attributes:
        width, height: the original's, in pixels, after EXIF rotation.
        damage: why only a part of a JPEG can be read; the rest of it is grey.
    """

    picture: Picture
    width: int
    height: int
    exif: Exif
    damage: str | None = None


def decode(source: Path | str | BinaryIO, *, at_least: int | None = None) -> Picture:
    """The picture as RGB uint8 (height, width, 3) with EXIF rotation applied.

    None: full size. Raises Refused.

    Args:
        at_least: the long side wanted, in pixels; a larger JPEG is decoded at 1/2, 1/4 or 1/8, and what is still larger
            averaged down by a whole factor, but never below.
    """
    with open_file(source) if isinstance(source, (Path, str)) else nullcontext(source) as stream:
        stream.seek(0)
        kind = format_of(stream.read(HEAD_BYTES), "")
        if is_video(kind):
            raise Refused(Refusal.NOT_AN_IMAGE, "a video")
        return read_picture(stream, cast(ImageFormat, kind), at_least=at_least, pixels=Limits().pixels).picture


def read_picture_file(path: Path, kind: ImageFormat, *, at_least: int | None, pixels: int) -> Reading:
    """`read_picture` of a file by its path. Raises Refused."""
    with path.open("rb") as stream:
        return read_picture(stream, kind, at_least=at_least, pixels=pixels)


def read_picture(stream: BinaryIO, kind: ImageFormat, *, at_least: int | None, pixels: int) -> Reading:
    """Decodes the whole stream (seekable) once; of a file that is cut only a JPEG passes, with what is there.

    Of a DNG, whatever its name, its preview is the picture.

    Raises:
        Refused: TRUNCATED, DAMAGED, DECOMPRESSION_BOMB (more than `pixels`), UNSUPPORTED_FORMAT (no preview).
    """
    preview = preview_of_dng(stream) if kind in ("tiff", "dng") else None
    if preview is not None:
        check_structure(io.BytesIO(preview), "jpeg")
        stream.seek(0)
        return _read_whole(io.BytesIO(preview), "jpeg", at_least=at_least, pixels=pixels, tags=stream.read())
    if kind == "dng":
        raise Refused(Refusal.UNSUPPORTED_FORMAT, "camera raw")
    try:
        check_structure(stream, kind)
    except Refused as refused:
        if kind != "jpeg" or refused.refusal not in (Refusal.TRUNCATED, Refusal.DAMAGED):
            raise
        return _read_part(stream, refused, at_least=at_least, pixels=pixels)
    return _read_whole(stream, kind, at_least=at_least, pixels=pixels)


def _read_part(stream: BinaryIO, refused: Refused, *, at_least: int | None, pixels: int) -> Reading:
    """What a JPEG holds that is cut or broken off inside its data. Raises Refused where that is nothing."""
    stream.seek(0)
    there = stream.read(refused.at if isinstance(refused, BrokenOff) else -1)
    ended = io.BytesIO(there + END_OF_JPEG)  # the decoder fills up with grey what is missing before the end
    try:
        reading = _read_whole(ended, "jpeg", at_least=at_least, pixels=pixels)
    except Refused as error:
        raise (error if error.refusal is Refusal.DECOMPRESSION_BOMB else refused) from error
    if (reading.picture == reading.picture[-1, -1]).all(axis=-1).mean() > GREY_SHARE:
        raise refused
    return replace(reading, damage=refused.detail)


def _read_whole(
    stream: BinaryIO, kind: ImageFormat, *, at_least: int | None, pixels: int, tags: bytes | None = None
) -> Reading:
    """`tags`: the EXIF block that counts, None for the picture's own."""
    stream.seek(0)
    if kind == "webp":
        canvas = webp_canvas(stream.read(HEAD_BYTES)) or (0, 0)
        _check_pixels(canvas, pixels)
        check_bytes(canvas[0] * canvas[1] * DECODER["webp"])
        stream.seek(0)
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # some detector packages switch it on for the whole process
    try:
        image = OPEN[kind](stream)
        _check_pixels(image.size, pixels)
        width, height = image.size
        if at_least is not None and kind == "jpeg":
            image.draft(None, (at_least, 1) if width >= height else (1, at_least))
        with in_turn(decoding_bytes(image, kind, (width, height))):
            image.load()
            reduced = reduced_rgb(image, at_least)
    except MemoryError as error:
        raise Refused(Refusal.DECOMPRESSION_BOMB, "not enough memory") from error
    except DECODER_ERRORS as error:
        if "truncated" in str(error).lower():
            raise Refused(Refusal.TRUNCATED, str(error)) from error
        raise Refused(Refusal.DAMAGED, f"{type(error).__name__}: {error}"[:200]) from error
    exif = _exif(image, stream, kind) if tags is None else read_exif(tags)
    if exif.orientation in TURN and kind not in TURNED_ALREADY:
        reduced = reduced.transpose(TURN[exif.orientation])
        if exif.orientation >= 5:
            width, height = height, width
    return Reading(np.asarray(reduced), width, height, exif)


def _exif(image: ImageFile.ImageFile, stream: BinaryIO, kind: ImageFormat) -> Exif:
    """The facts in a picture's EXIF, or in its XMP; a TIFF file is an EXIF block itself."""
    block = image.info.get("exif")
    if kind == "tiff":
        stream.seek(0)
        block = stream.read()
    exif = read_exif(block) if isinstance(block, bytes) else Exif()
    return with_xmp(exif, image.info.get("xmp"))


def thumbnail(picture: Picture) -> bytes:
    """A JPEG of at most 256 x 256 pixels without any metadata."""
    import cv2

    height, width = picture.shape[:2]
    scale = min(1.0, THUMB_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    while max(picture.shape[:2]) >= 2 * THUMB_SIDE and min(picture.shape[:2]) > 1:
        high, wide = picture.shape[0] // 2, picture.shape[1] // 2
        # Whole halves are averaged ten times as fast as other sizes.
        whole = picture[: 2 * high, : 2 * wide]
        picture = np.asarray(cv2.resize(whole, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    out = io.BytesIO()
    Image.fromarray(small).save(out, "JPEG", quality=THUMB_QUALITY)
    return out.getvalue()


def _check_pixels(size: tuple[int, int], most: int) -> None:
    if size[0] * size[1] > most:
        raise Refused(Refusal.DECOMPRESSION_BOMB, f"{size[0]} x {size[1]} pixels, at most {most}")
