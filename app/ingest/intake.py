"""The way in: what an import root holds, and one file of it checked and stored."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

from app.background import TookTooMuch, apart
from app.ingest.exif import Exif
from app.ingest.file_name_time import file_name_time, phone_time, zone_between
from app.ingest.folder import folder_files, one_file
from app.ingest.formats import HEAD_BYTES, Format, format_of, is_video
from app.ingest.limits import Limits
from app.ingest.look import Look, look_of
from app.ingest.picture import Reading, read_picture, read_picture_file, thumbnail
from app.ingest.refusals import Refusal, Refused, RefusedFile
from app.ingest.source import SourceFile, printable, reason
from app.ingest.store import Incoming, MediaStore
from app.ingest.video import VideoReading, read_video
from app.ingest.zips import zip_files
from modal_backend.contracts import Picture

if TYPE_CHECKING:
    from app.video.reading.probe import VideoFacts

PICTURE_SIDE = 1024  # at least this long a side is handed on, so that no detector input needs a second decode
BLOCK = 1 << 20
# Their decoder's cost is not known before it has run, nor is that of videos.
NOT_FORESEEN = ("heif",)
T = TypeVar("T")
TakenAtSource = Literal["exif", "container", "file name"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A stored picture and its facts; None where neither EXIF nor the file name says anything.

    Attributes:
        bytes: of the original.
        width, height: pixels after EXIF rotation.
        taken_at: camera-local, without a zone.
        utc_offset: "+05:30" where the camera wrote one, applied to nothing.
        latitude, longitude: degrees, WGS 84.
        new_file: this content was not in the store.
        damage: what is wrong with a picture of which only a part can be read.
        picture: RGB uint8 (height, width, 3), rotated, reduced; its long side is at least 1024 when the original's is.
        look: of the thumbnail.
        video: what a video's container states, None for a picture; its `picture` is a frame from near its beginning.
    """

    sha256: str
    bytes: int
    format: Format
    width: int
    height: int
    taken_at: datetime | None
    taken_at_source: TakenAtSource | None
    utc_offset: str | None
    latitude: float | None
    longitude: float | None
    camera_make: str | None
    camera_model: str | None
    camera_serial: str | None
    new_file: bool
    damage: str | None = None
    picture: Picture = field(kw_only=True, compare=False, repr=False)
    look: Look = field(kw_only=True, compare=False, repr=False)
    video: VideoReading | None = field(default=None, compare=False, repr=False)


def source_files(root: Path, *, limits: Limits, names_in: str | None = None) -> Iterator[SourceFile | RefusedFile]:
    """What `root` (a folder, a zip or one file) holds, one by one and in the same order every time.

    Folders are walked by name, a zip's entries come as it lists them. What cannot be taken is yielded, not
    raised; hidden files and an operating system's own are left out silently.

    Args:
        limits: for zips.
        names_in: see `zip_files`.
    """
    shown = printable(root.name)
    try:
        real = Path(os.path.realpath(root))
        status = os.stat(real)
    except (OSError, ValueError) as error:
        yield RefusedFile.of(shown, Refused(Refusal.UNREADABLE, reason(error)))
        return
    if stat.S_ISDIR(status.st_mode):
        yield from folder_files(real, limits=limits, names_in=names_in)
    elif not stat.S_ISREG(status.st_mode):
        yield RefusedFile.of(shown, Refused(Refusal.NOT_A_FILE))
    elif shown.lower().endswith(".zip"):
        yield from zip_files(real, "", limits=limits, names_in=names_in)
    else:
        yield from one_file(real, shown, status, limits=limits)


def take_in(source: SourceFile, store: MediaStore, limits: Limits, *, at_least: int = PICTURE_SIDE) -> Taken:
    """Checks one file by decoding it (of a video, its beginning), stores it with a thumbnail and returns its facts.

    Raises Refused for the file (nothing is stored), StoreError or StoreFull for the store.

    Args:
        at_least: pixels of the long side that the returned picture keeps, if the file has them.
    """
    with store.receive() as incoming:
        kind = _receive(source, incoming, limits)
        if is_video(kind):
            video = _apart(read_video, incoming.path, pixels=limits.pixels)
            return _kept(store, incoming, kind, video, _video_facts(source, video))
        asked: dict[str, Any] = {"kind": kind, "at_least": at_least, "pixels": limits.pixels}
        if kind in NOT_FORESEEN:
            reading = _apart(read_picture_file, incoming.path, **asked)
        else:
            reading = read_picture(incoming.file, **asked)
        return _kept(store, incoming, kind, reading, _picture_facts(source, reading))


def _kept(
    store: MediaStore, incoming: Incoming, kind: Format, reading: Reading | VideoReading, facts: dict[str, Any]
) -> Taken:
    """Stores a file that could be read, with a thumbnail. facts: the other attributes of what was taken."""
    thumb = thumbnail(reading.picture)
    is_new = store.keep(incoming, kind, thumb)
    return Taken(
        sha256=incoming.sha256,
        bytes=incoming.length,
        format=kind,
        width=reading.width,
        height=reading.height,
        new_file=is_new,
        picture=reading.picture,
        look=look_of(thumb),
        **facts,
    )


def _apart(read: Callable[..., T], path: Path, **asked: Any) -> T:
    """What a reader whose cost nobody can tell beforehand makes of a file. Raises Refused."""
    try:
        return apart(read, path, **asked)
    except TookTooMuch as error:
        raise Refused(Refusal.TOO_COSTLY, str(error)) from error


def _receive(source: SourceFile, incoming: Incoming, limits: Limits) -> Format:
    """Copies and hashes the file.

    Raises:
        Refused: from opening, by its first bytes, TOO_LARGE, UNREADABLE.
    """
    with source.open() as stream:
        block = _read(stream, HEAD_BYTES)
        kind = format_of(block, source.path)
        most = limits.video_bytes if is_video(kind) else limits.file_bytes
        if source.bytes is not None and source.bytes > most:
            raise Refused(Refusal.TOO_LARGE, f"{source.bytes} bytes, at most {most}")
        while block:
            incoming.write(block)
            if incoming.length > most:
                raise Refused(Refusal.TOO_LARGE, f"more than {most} bytes")
            block = _read(stream, BLOCK)
    incoming.flush()
    return kind


def _read(stream: BinaryIO, most: int) -> bytes:
    try:
        return stream.read(most)
    except OSError as error:
        raise Refused(Refusal.UNREADABLE, reason(error)) from error


def _video_facts(source: SourceFile, video: VideoReading) -> dict[str, Any]:
    beside = _sidecar_facts(source)
    taken_at, taken_at_source, zone = _video_time(source.path.rpartition("/")[2], video.facts, beside)
    return {
        "taken_at": taken_at,
        "taken_at_source": taken_at_source,
        "utc_offset": zone,
        "latitude": video.facts.latitude if video.facts.latitude is not None else beside.latitude,
        "longitude": video.facts.longitude if video.facts.longitude is not None else beside.longitude,
        "camera_make": (video.facts.make or beside.camera_make or "")[:80] or None,
        "camera_model": (video.facts.model or beside.camera_model or "")[:80] or None,
        "camera_serial": (beside.camera_serial or "")[:80] or None,
        "video": video,
    }


def _video_time(name: str, facts: VideoFacts, beside: Exif) -> tuple[datetime | None, TakenAtSource | None, str | None]:
    """When a video was recorded, who says so, and its offset from UTC."""
    stated = facts.recorded_at
    if stated is not None:
        local = phone_time(name, stated, facts.duration or 0.0) if facts.utc_offset is None else None
        if local is not None:
            return local, "file name", zone_between(local, stated)
        return stated, "container", facts.utc_offset
    if beside.taken_at is not None:
        return beside.taken_at, "exif", beside.utc_offset
    named = file_name_time(name)
    return named, "file name" if named else None, None


def _sidecar_facts(source: SourceFile) -> Exif:
    """What the small picture beside a video says; nothing where there is none or it cannot be read."""
    if source.sidecar is None:
        return Exif()
    try:
        with source.sidecar() as stream:
            return read_picture(stream, "jpeg", at_least=160, pixels=Limits().pixels).exif
    except Refused:
        return Exif()


def _picture_facts(source: SourceFile, reading: Reading) -> dict[str, Any]:
    facts = {field.name: getattr(reading.exif, field.name) for field in fields(Exif) if field.name != "orientation"}
    facts |= {"taken_at_source": "exif", "damage": reading.damage}
    if facts["taken_at"] is None:
        named = file_name_time(source.path.rpartition("/")[2])
        facts |= {"taken_at": named, "taken_at_source": "file name" if named else None}
    return facts
