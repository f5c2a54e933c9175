"""Which format a file's first bytes show, and whether its last bytes are there."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Literal

from app.ingest.refusals import Refusal, Refused

ImageFormat = Literal["jpeg", "png", "webp", "tiff", "bmp", "gif", "heif", "dng"]
VideoFormat = Literal["mp4", "mov", "avi", "asf", "mkv", "webm", "mpg", "ts"]
Format = ImageFormat | VideoFormat
VIDEO_SUFFIX: dict[Format, str] = {
    "mp4": ".mp4", "mov": ".mov", "avi": ".avi", "asf": ".asf", "mkv": ".mkv", "webm": ".webm",
    "mpg": ".mpg", "ts": ".ts",
}  # fmt: skip
IMAGE_SUFFIX: dict[Format, str] = {
    "jpeg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif", "bmp": ".bmp", "gif": ".gif", "heif": ".heic",
    "dng": ".dng",
}  # fmt: skip
SUFFIX: dict[Format, str] = {**IMAGE_SUFFIX, **VIDEO_SUFFIX}

HEAD_BYTES = 32
BY_NAME: dict[str, VideoFormat] = {
    ".mp4": "mp4", ".m4v": "mp4", ".3gp": "mp4", ".3g2": "mp4", ".mov": "mov", ".qt": "mov", ".avi": "avi",
    ".divx": "avi", ".asf": "asf", ".wmv": "asf", ".mkv": "mkv", ".webm": "webm", ".mpg": "mpg", ".mpeg": "mpg",
    ".mts": "ts", ".m2ts": "ts",
}  # fmt: skip
MOV_ATOMS = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))
AVIF_BRANDS = frozenset((b"avif", b"avis"))
ASF = bytes.fromhex("3026b2758e66cf11")
IMAGE_MARKS: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF8", "gif"), (b"BM", "bmp"),
    (b"II*\0", "tiff"), (b"MM\0*", "tiff"), (b"II+\0", "tiff"), (b"MM\0+", "tiff"),
)  # fmt: skip
NOT_READ_YET = {
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"8BPS": "Photoshop",
    b"FUJIFILMCCD-RAW": "camera raw",
}
# These are TIFF files outside and hold but a small picture that any program reads.
CAMERA_RAW = frozenset({".nef", ".nrw", ".cr2", ".arw", ".pef", ".srw", ".orf", ".rw2", ".raw", ".3fr", ".erf"})
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # neither a stuffed byte, nor fill, nor a restart
START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN, LINE_COUNT = 0xD8, 0xD9, 0xDA, 0xDC
SEQUENTIAL_FRAMES = (0xC0, 0xC1)
PROGRESSIVE_FRAME = 0xC2
MOST_SCANS = 64
MOST_SCANNED = 1_200_000_000  # scans times pixels: about six seconds
# Before the first scan; Pillow reads what stands there byte by byte.
MOST_SEGMENTS, MOST_HEADER_BYTES, MOST_FILL_BYTES = 1_000, 32 << 20, 1 << 16
MOST_CHUNKS = 65_536
BLOCK = 1 << 20


class BrokenOff(Refused):
    """A JPEG whose data go on as something else from byte `at`."""

    def __init__(self, at: int) -> None:
        super().__init__(Refusal.DAMAGED, "the picture data break off")
        self.at = at


def format_of(head: bytes, path: str) -> Format:
    """The format that `head`, the first 32 bytes, shows; the name counts only where they show nothing known.

    Raises:
        Refused: EMPTY, UNSUPPORTED_FORMAT, DAMAGED, NOT_AN_IMAGE.
    """
    if not head:
        raise Refused(Refusal.EMPTY)
    image = _image_format(head)
    suffix = PurePosixPath(path).suffix.lower()
    if image == "tiff" and suffix in CAMERA_RAW:
        raise Refused(Refusal.UNSUPPORTED_FORMAT, "camera raw")
    if image == "tiff" and suffix == ".dng":
        return "dng"
    if image is not None:
        return image
    video = _video_format(head)
    if video is not None:
        return video
    refused = _what_else(head)
    by_name = BY_NAME.get(suffix)
    if by_name is not None and refused[0] != Refusal.UNSUPPORTED_FORMAT:
        return by_name  # a header that is gone: decoding says whether anything is left
    raise Refused(*refused)


def is_video(kind: Format) -> bool:
    """Whether files of this format are videos."""
    return kind in VIDEO_SUFFIX


def _image_format(head: bytes) -> ImageFormat | None:
    """The format that an image's first bytes show."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS and not _is_avif(head):
        return "heif"
    return next((kind for mark, kind in IMAGE_MARKS if head.startswith(mark)), None)


def _is_avif(head: bytes) -> bool:
    """Whether a container of images names AVIF among its brands."""
    return head[4:8] == b"ftyp" and any(head[at : at + 4] in AVIF_BRANDS for at in range(8, len(head), 4))


def _video_format(head: bytes) -> VideoFormat | None:
    """The container that a video's first bytes show."""
    if head[4:8] == b"ftyp" and not _is_avif(head):
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if head[4:8] in MOV_ATOMS:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head.startswith(ASF):
        return "asf"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "webm" if b"webm" in head else "mkv"
    return "mpg" if head.startswith((b"\0\0\x01\xba", b"\0\0\x01\xb3")) else None


def _what_else(head: bytes) -> tuple[Refusal, str]:
    if _is_avif(head):
        return Refusal.UNSUPPORTED_FORMAT, "AVIF"
    for mark, name in NOT_READ_YET.items():
        if head.startswith(mark):
            return Refusal.UNSUPPORTED_FORMAT, name
    if not head.strip(b"\0"):
        return Refusal.DAMAGED, "nothing but zeros"
    return Refusal.NOT_AN_IMAGE, "a zip without .zip in its name" if head.startswith(b"PK\x03\x04") else ""


def check_structure(stream: BinaryIO, kind: ImageFormat) -> None:
    """What the decoder does not notice: a missing end, damaged PNG chunks, a JPEG made of endless scans.

    Leaves the stream anywhere. TIFF, DNG, BMP, GIF and HEIF are left to their decoders.

    Raises:
        Refused: TRUNCATED, DAMAGED, DECOMPRESSION_BOMB.
    """
    checks: dict[ImageFormat, Callable[[BinaryIO], None]] = {
        "jpeg": _check_jpeg,
        "png": _check_png,
        "webp": _check_webp,
    }
    if kind in checks:
        checks[kind](stream)


def _check_jpeg(stream: BinaryIO) -> None:
    """Walks the markers (ITU-T T.81, annex B) to the end of the image; what follows it is ignored.

    The decoder is content once it has all rows: it takes zeros (a card that failed half-way) for rows and
    fills up with grey when a stray marker ends a scan early. Each scan costs a pass over the whole picture;
    cameras write at most a dozen.
    """
    stream.seek(0)
    data = stream.read()
    position, scans, components, is_last, pixels = 2, 0, 0, False, 0
    header = _Header()
    while found := MARKER.search(data, position):
        gap, position, marker = found.start() - position, found.end(), data[found.end() - 1]
        if marker == END_OF_IMAGE and scans:
            return
        if is_last and marker != LINE_COUNT:
            raise BrokenOff(found.start())
        segment = data[position : position + 8]
        if not scans:
            header.count(gap, position)
        if marker in (START_OF_IMAGE, END_OF_IMAGE, 0x01):
            continue
        position += int.from_bytes(segment[:2], "big")
        if marker in (*SEQUENTIAL_FRAMES, PROGRESSIVE_FRAME) and len(segment) == 8:
            pixels = int.from_bytes(segment[3:5], "big") * int.from_bytes(segment[5:7], "big")
            components = segment[7] if marker in SEQUENTIAL_FRAMES else 0
        elif marker == START_OF_SCAN and len(segment) > 2:
            scans += 1
            is_last = segment[2] == components
        if scans > MOST_SCANS or scans * pixels > MOST_SCANNED:
            raise Refused(Refusal.DECOMPRESSION_BOMB, f"{scans} scans or more")
    raise Refused(Refusal.TRUNCATED, "no end marker")


@dataclass(slots=True)
class _Header:
    """What stands before a JPEG's first scan, counted."""

    segments: int = 0
    fill: int = 0

    def count(self, gap: int, position: int) -> None:
        """Count a segment that begins at `position` after `gap` bytes that are none. Raises Refused."""
        self.segments, self.fill = self.segments + 1, self.fill + gap
        if self.segments > MOST_SEGMENTS or self.fill > MOST_FILL_BYTES or position > MOST_HEADER_BYTES:
            raise Refused(Refusal.DECOMPRESSION_BOMB, "too much stands before the picture")


def _check_png(stream: BinaryIO) -> None:
    """Every critical chunk up to IEND is there with the right checksum; what follows IEND is ignored."""
    stream.seek(8)
    for _ in range(MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            raise Refused(Refusal.TRUNCATED)
        left, crc = int.from_bytes(head[:4], "big"), zlib.crc32(head[4:])
        while left:
            block = stream.read(min(left, BLOCK))
            if not block:
                raise Refused(Refusal.TRUNCATED)
            left, crc = left - len(block), zlib.crc32(block, crc)
        stored = stream.read(4)
        if len(stored) < 4:
            raise Refused(Refusal.TRUNCATED)
        is_critical = not head[4] & 0x20
        if is_critical and int.from_bytes(stored, "big") != crc:
            raise Refused(Refusal.DAMAGED, "wrong checksum")
        if head[4:] == b"IEND":
            return
    raise Refused(Refusal.DECOMPRESSION_BOMB, f"more than {MOST_CHUNKS} chunks")


def _check_webp(stream: BinaryIO) -> None:
    """The file is as long as its RIFF header says; a longer one is fine."""
    stream.seek(4)
    stated = int.from_bytes(stream.read(4), "little") + 8
    if stream.seek(0, 2) < stated:
        raise Refused(Refusal.TRUNCATED)


def webp_canvas(head: bytes) -> tuple[int, int] | None:
    """Width and height that a WebP's first 32 bytes state; None where they are no WebP header.

    The decoder reserves the canvas before anyone can ask for its size.
    """
    chunk, body = head[12:16], head[20:]
    if chunk == b"VP8X" and len(body) >= 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and len(body) >= 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None
