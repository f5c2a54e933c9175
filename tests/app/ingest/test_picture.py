"""One decode gives the right pixels in every mode and orientation, and says when they are a part of a picture."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from app.ingest.formats import format_of
from app.ingest.picture import Reading, decode, read_picture, thumbnail
from app.ingest.refusals import Refusal, Refused
from modal_backend.contracts import Picture
from tests.support.pictures import encoded, noisy


def difference(picture: Picture, other: Image.Image) -> float:
    """Mean absolute difference of two pictures of one size, 0 to 255."""
    reference = np.asarray(other.convert("RGB")).astype(int)
    assert picture.shape == reference.shape
    return float(np.abs(picture.astype(int) - reference).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_to_pixels_size_and_thumbnail(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(noisy(400, 300), kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    reading = read_picture(io.BytesIO(data), format_of(data[:32], ""), at_least=None, pixels=10**9)
    assert difference(reading.picture, upright) == 0
    assert (reading.width, reading.height) == upright.size
    small = Image.open(io.BytesIO(thumbnail(reading.picture)))
    assert small.size == ((256, 192) if orientation < 5 else (192, 256))
    assert not small.getexif()
    assert "exif" not in small.info
    assert difference(np.asarray(small), upright.resize(small.size)) < 12


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_reduced_decode_keeps_the_long_side_and_looks_like_the_whole(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(noisy(1300, 700), kind, exif=exif)
        for at_least in (1400, 1300, 640, 320, 160):
            picture = decode(io.BytesIO(data), at_least=at_least)
            longest = max(picture.shape[:2])
            assert min(at_least, 1300) <= longest <= max(1300, 2 * at_least)
            assert (picture.shape[0] > picture.shape[1]) == (orientation == 6)
            whole = Image.fromarray(decode(io.BytesIO(data)))
            assert difference(picture, whole.resize(picture.shape[1::-1], Image.Resampling.BOX)) < 6


def grey16(value: int) -> bytes:
    return encoded(Image.fromarray(np.full((20, 30), value, np.uint16)), "PNG")


def see_through(mode: str) -> bytes:
    return encoded(Image.new("RGBA", (30, 20), (255, 0, 0, 0)).convert(mode), "PNG")


def palette_with_hole() -> bytes:
    image = Image.new("P", (30, 20), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    return encoded(image, "PNG", transparency=1)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (encoded(Image.new("L", (30, 20), 100)), (100, 100, 100)),
        (encoded(Image.new("L", (30, 20), 100), "PNG"), (100, 100, 100)),
        (encoded(Image.new("1", (30, 20), 1), "PNG"), (255, 255, 255)),
        (encoded(Image.new("RGB", (30, 20), (200, 30, 40)).quantize(4), "PNG"), (200, 30, 40)),
        (encoded(Image.new("CMYK", (30, 20), (0, 255, 255, 0))), (255, 0, 0)),
        (encoded(Image.new("RGBA", (30, 20), (0, 0, 255, 255)), "PNG"), (0, 0, 255)),
        (encoded(Image.new("RGBA", (30, 20), (0, 0, 255, 255)), "WEBP", lossless=True), (0, 0, 255)),
        (see_through("RGBA"), (255, 255, 255)),
        (see_through("LA"), (255, 255, 255)),
        (palette_with_hole(), (255, 255, 255)),
        (grey16(0xFFFF), (255, 255, 255)),
        (grey16(0x8000), (128, 128, 128)),
        (grey16(0x00FF), (0, 0, 0)),
    ],
)
def test_every_mode_becomes_rgb(data: bytes, colour: tuple[int, int, int]) -> None:
    picture = decode(io.BytesIO(data))
    assert picture.shape == (20, 30, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - colour).max() <= 3
    assert Image.open(io.BytesIO(thumbnail(picture))).size == (30, 20)


def test_very_long_and_very_small_pictures_have_thumbnails() -> None:
    for size in ((1, 1), (5000, 1), (1, 5000)):
        picture = decode(io.BytesIO(encoded(Image.new("RGB", size), "PNG")))
        assert max(Image.open(io.BytesIO(thumbnail(picture))).size) == min(256, max(size))


@pytest.mark.parametrize("tail", [b"\0" * 3000, b"maker's trailer" * 40, encoded(noisy(20, 20))])
def test_bytes_after_the_end_of_a_whole_picture_are_fine(tail: bytes) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        assert decode(io.BytesIO(encoded(kind=kind) + tail)).shape == (32, 48, 3)


def test_garbage_in_the_exif_block_refuses_nothing() -> None:
    for garbage in (
        b"Exif\0\0" + b"\xff" * 50,
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
    ):
        for kind in ("JPEG", "PNG", "WEBP"):
            assert decode(io.BytesIO(encoded(kind=kind, exif=garbage))).shape == (32, 48, 3)


def test_missing_rows_are_refused_even_when_another_package_switched_the_check_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = encoded(kind="PNG")
    rows = zlib.compress(bytes(32 * (48 * 3 + 1)), 0)[:-2000]
    idat = struct.pack(">L", len(rows)) + b"IDAT" + rows + struct.pack(">L", zlib.crc32(b"IDAT" + rows))
    with pytest.raises(Refused) as refused:
        decode(io.BytesIO(whole[:33] + idat + whole[-12:]))
    assert refused.value.refusal is Refusal.TRUNCATED


def test_a_bit_flipped_anywhere_in_the_data_of_a_png_is_refused() -> None:
    whole = encoded(kind="PNG")
    for at in range(whole.index(b"IDAT"), len(whole) - 12):
        with pytest.raises(Refused):
            decode(io.BytesIO(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]))


def read(data: bytes) -> Reading:
    return read_picture(io.BytesIO(data), format_of(data[:32], ""), at_least=None, pixels=10**9)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
def test_a_jpeg_cut_anywhere_is_marked_or_refused_and_never_passes_for_whole(options: dict[str, int]) -> None:
    whole = encoded(**options)
    marked = []
    for length in range(len(whole)):
        with contextlib.suppress(Refused):
            assert read(whole[:length]).damage
            marked.append(length)
    assert {len(whole) - 1, len(whole) - 2, len(whole) - 20} <= set(marked)
    assert min(marked) > whole.index(b"\xff\xda")
    assert read(whole).damage is None


def test_what_is_there_of_a_cut_jpeg_is_read_and_nothing_is_refused_that_shows_something() -> None:
    whole = encoded(noisy(200, 150))
    scan = whole.index(b"\xff\xda")
    middle = (scan + len(whole)) // 2
    for cut in (
        whole[:middle],
        whole[:-1],
        whole[:-2],
        whole[:middle] + bytes(len(whole) - middle),
        whole[:middle] + whole,
        whole[:middle] + b"\xff\xc4" + whole[middle + 2 :],
    ):
        reading = read(cut)
        assert reading.damage
        assert (reading.width, reading.height) == (200, 150)
        assert np.array_equal(reading.picture[:48], read(whole).picture[:48])
    assert np.array_equal(read(whole[:-2]).picture, read(whole).picture)
    for nothing in (whole[:scan], whole[:3], whole[: scan + 14]):
        with pytest.raises(Refused):
            read(nothing)


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "GIF", "HEIF", "MPO"])
def test_other_formats_are_read_upright_and_whole(kind: str) -> None:
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if kind == "TIFF" else {}
    data = encoded(noisy(400, 300), kind, **options)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    reading = read(data)
    assert (reading.width, reading.height) == expected.size == ((300, 400) if options else (400, 300))
    assert difference(reading.picture, expected) == 0


def test_of_a_gif_that_moves_the_first_picture_is_read() -> None:
    first, second = Image.new("RGB", (30, 20), (200, 30, 40)), Image.new("RGB", (30, 20), (0, 0, 255))
    picture = decode(io.BytesIO(encoded(first, "GIF", save_all=True, append_images=[second])))
    assert np.abs(picture.astype(int) - (200, 30, 40)).max() <= 3


def test_a_tiff_is_dated_by_its_own_tags() -> None:
    exif = Image.Exif()
    exif[0x0132] = "2024:03:12 05:41:12"
    assert read(encoded(kind="TIFF", exif=exif)).exif.taken_at == datetime(2024, 3, 12, 5, 41, 12)


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/"
 exif:GPSLatitude="23,32.5S"><exif:GPSLongitude>30,10,0E</exif:GPSLongitude>
 <exif:DateTimeOriginal>2022-07-08T09:10:11</exif:DateTimeOriginal></rdf:Description></x:xmpmeta>"""


def test_time_and_place_come_from_xmp_where_exif_is_silent() -> None:
    facts = read(encoded(xmp=XMP)).exif
    assert facts.taken_at == datetime(2022, 7, 8, 9, 10, 11)
    assert (facts.latitude, facts.longitude) == (pytest.approx(-23.541667), pytest.approx(30.166667))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:03:12 05:41:12"
    assert read(encoded(xmp=XMP, exif=exif)).exif.taken_at == datetime(2024, 3, 12, 5, 41, 12)


@pytest.mark.parametrize("options", [{"kind": "PNG"}, {"kind": "WEBP"}, {"kind": "WEBP", "lossless": True}])
def test_a_png_or_webp_cut_anywhere_is_refused(options: dict[str, object]) -> None:
    whole = encoded(**options)  # type: ignore[arg-type]
    for length in range(len(whole)):
        with pytest.raises(Refused):
            decode(io.BytesIO(whole[:length]))


WHOLE = [
    encoded(),
    encoded(progressive=True),
    encoded(kind="PNG"),
    encoded(kind="WEBP"),
    encoded(kind="WEBP", lossless=True),
]


@settings(max_examples=250)
@given(st.data())
def test_flipped_bits_give_a_picture_or_a_refusal_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(WHOLE)))
    for bit in data.draw(st.lists(st.integers(0, len(damaged) * 8 - 1), min_size=1, max_size=12)):
        damaged[bit // 8] ^= 1 << bit % 8
    try:
        picture = decode(io.BytesIO(damaged), at_least=16)
    except Refused:
        return
    assert picture.dtype == np.uint8
    assert picture.ndim == 3


@settings(max_examples=250)
@given(st.sampled_from([whole[:12] for whole in WHOLE] + [b"", b"\xff\xd8\xff"]), st.binary(max_size=300))
def test_random_bytes_are_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises(Refused):
        decode(io.BytesIO(start + rest))


def test_a_path_is_read_as_well_as_a_stream(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded())
    assert np.array_equal(decode(tmp_path / "a.jpg"), decode(io.BytesIO(encoded())))
