"""Of a DNG the preview is taken in, with the time and the turn that the DNG states."""

from __future__ import annotations

import io
import struct
from datetime import datetime
from pathlib import Path

import pytest

from app.ingest.intake import Taken, source_files, take_in
from app.ingest.limits import Limits
from app.ingest.picture import decode
from app.ingest.refusals import Refusal, Refused, RefusedFile
from app.ingest.store import MediaStore
from tests.support.pictures import encoded, noisy

SMALL, LARGE = encoded(noisy(16, 12)), encoded(noisy(64, 48))
TIME = b"2024:03:12 05:41:12\0"
SHORT, LONG, ASCII, BYTE = 3, 4, 2, 1
YCBCR, MOSAIC = 6, 32803


def dng(order: str, *, preview: bytes | None = LARGE, by_strips: bool = True, version: bool = True) -> bytes:
    """A DNG: a small JPEG first, raw data and a preview below it, turned by a quarter, with a time."""
    tiff = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))

    def put(data: bytes) -> int:
        tiff.extend(data + bytes(len(data) % 2))
        return len(tiff) - len(data) - len(data) % 2

    def directory(*tags: tuple[int, int, int, bytes | int]) -> int:
        block = struct.pack(order + "H", len(tags))
        for tag, kind, count, value in tags:
            if isinstance(value, bytes):
                value = value if len(value) == 4 else struct.pack(order + "L", put(value))
            else:
                value = struct.pack(order + ("H2x" if kind == SHORT else "L"), value)
            block += struct.pack(order + "HHL", tag, kind, count) + value
        return put(block + bytes(4))

    def picture(data: bytes, colours: int, strips: bool) -> int:
        where = (273, 279) if strips else (513, 514)
        facts = [(259, SHORT, 1, 7), (262, SHORT, 1, colours)]
        return directory(*facts, (where[0], LONG, 1, put(data)), (where[1], LONG, 1, len(data)))

    below = [picture(b"\xff\xd8raw data of the sensor" * 200, MOSAIC, True)]
    below += [picture(preview, YCBCR, by_strips)] if preview else []
    detail = directory((0x9003, ASCII, len(TIME), TIME))
    children = struct.pack(f"{order}{len(below)}L", *below)
    first = [(259, SHORT, 1, 7), (262, SHORT, 1, YCBCR), (274, SHORT, 1, 6), (330, LONG, len(below), children)]
    if preview:
        first += [(273, LONG, 1, put(SMALL)), (279, LONG, 1, len(SMALL))]
    first += [(34665, LONG, 1, detail)] + [(50706, BYTE, 4, b"\1\4\0\0")] * version
    tiff[4:8] = struct.pack(order + "L", directory(*first))
    return bytes(tiff)


def brought_in(folder: Path, data: bytes, name: str = "IMG_1.DNG") -> Taken:
    card = folder / "card"
    card.mkdir()
    (card / name).write_bytes(data)
    (found,) = source_files(card, limits=Limits())
    assert not isinstance(found, RefusedFile)
    return take_in(found, MediaStore(folder / "store"), Limits())


@pytest.mark.parametrize(("order", "by_strips"), [("<", True), (">", True), ("<", False)])
def test_the_largest_preview_is_the_picture_upright_and_dated(tmp_path, order, by_strips):
    found = brought_in(tmp_path, dng(order, by_strips=by_strips))
    assert (found.format, found.width, found.height) == ("dng", 48, 64)
    assert found.taken_at == datetime(2024, 3, 12, 5, 41, 12)


def test_what_is_kept_of_a_dng_is_read_again_without_its_name():
    assert decode(io.BytesIO(dng("<"))).shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (dng("<", preview=None), Refusal.UNSUPPORTED_FORMAT),
        (dng("<", preview=LARGE[:-300]), Refusal.TRUNCATED),
    ],
)
def test_a_dng_without_a_whole_preview_is_refused(tmp_path, data, refusal):
    with pytest.raises(Refused) as raised:
        brought_in(tmp_path, data)
    assert raised.value.refusal is refusal


def test_raw_files_of_other_makers_stay_refused(tmp_path):
    with pytest.raises(Refused) as raised:
        brought_in(tmp_path, dng("<", version=False), "DSC_1.NEF")
    assert raised.value.detail == "camera raw"
