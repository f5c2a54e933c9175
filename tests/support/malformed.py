"""A folder of everything an import must refuse, each with its reason; none of it may hang or crash."""

from __future__ import annotations

import os
import stat
import struct
import sys
import zipfile
import zlib
from pathlib import Path

from app.ingest.refusals import Refusal
from tests.support.pictures import encoded, noisy
from tests.support.raw_zip import RawEntry, deflated, raw_zip

BIG = noisy(200, 150)
NAMES_OUTSIDE = [
    (b"/etc/passwd.jpg", "/etc/passwd.jpg"),
    (b"../up.jpg", "../up.jpg"),
    (b"a/../../up.jpg", "a/../../up.jpg"),
    (b"..\\back.jpg", "../back.jpg"),
    (b"C:/drive.jpg", "C:/drive.jpg"),
    (b"c:drive.jpg", "c:drive.jpg"),
    (b"nul\0.jpg", "nul\\x00.jpg"),
    (b"", ""),
]


def make_malformed(folder: Path) -> dict[str, Refusal]:
    """Fills `folder`; returns for each path, as an import lists it, the refusal expected."""
    folder.mkdir(parents=True, exist_ok=True)
    expected: dict[str, Refusal] = {}
    for name, (data, refusal) in {**_pictures(), **_not_pictures(), **_archives()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        expected[name] = refusal
    (folder / "entries.zip").write_bytes(raw_zip(*(entry for entry, _, _ in _entries())))
    expected |= {f"entries.zip/{shown}": refusal for _, shown, refusal in _entries()}
    if os.name == "posix":
        expected |= _places(folder)
    return expected


def _pictures() -> dict[str, tuple[bytes, Refusal]]:
    jpeg, png, webp = encoded(BIG), encoded(BIG, "PNG"), encoded(BIG, "WEBP")
    progressive = encoded(BIG, progressive=True)
    scan = jpeg.index(b"\xff\xda")
    truncated, damaged, bomb = Refusal.TRUNCATED, Refusal.DAMAGED, Refusal.DECOMPRESSION_BOMB
    return {
        "pictures/only_start.jpg": (jpeg[:3], truncated),
        "pictures/header_only.jpg": (jpeg[:scan], truncated),
        "pictures/no_tables.jpg": (jpeg[:2] + jpeg[scan:], damaged),
        "pictures/no_rows.jpg": (_jpeg_sized(jpeg, 0, 0), damaged),
        "pictures/jpeg_bomb.jpg": (_jpeg_sized(jpeg, 65500, 65500), bomb),
        "pictures/endless_scans.jpg": (_repeated_scan(progressive, 500), bomb),
        "pictures/fill_bytes.jpg": (jpeg[:2] + b"\xff" * 200_000 + jpeg[2:], bomb),
        "pictures/empty_segments.jpg": (jpeg[:2] + b"\xff\xe9\0\2" * 2_000 + jpeg[2:], bomb),
        "pictures/many_large_scans.jpg": (_repeated_scan(_jpeg_sized(progressive, 12_000, 9_000), 20), bomb),
        "pictures/one_column.png": (_png(1, 199_000_000, zlib.compress(bytes(1000))), bomb),
        "pictures/large_canvas.webp": (_webp_canvas(12_000), bomb),
        "pictures/empty_chunks.png": (png[:33] + _chunk(b"tEXt", b"") * 70_000 + png[33:], bomb),
        "pictures/signature_only.png": (png[:8], truncated),
        "pictures/half.png": (png[: len(png) // 2], truncated),
        "pictures/no_end_chunk.png": (png[:-12], truncated),
        "pictures/end_chunk_cut.PNG": (png[:-1], truncated),
        "pictures/endless_chunk.png": (png[:8] + b"\x7f\xff\xff\xffIDAT" + png[16:], truncated),
        "pictures/flipped_bit.png": (_flipped(png, len(png) // 2), damaged),
        "pictures/wrong_header_checksum.png": (_flipped(png, 20), damaged),
        "pictures/no_header.png": (png[:8] + png[33:], damaged),
        "pictures/no_data.png": (png[:33] + png[-12:], damaged),
        "pictures/short_data.png": (_png(200, 150, zlib.compress(bytes(500))), truncated),
        "pictures/not_deflated.png": (_png(200, 150, b"not deflate at all"), damaged),
        "pictures/png_bomb.png": (_png(60000, 60000, zlib.compress(bytes(1000))), bomb),
        "pictures/half.webp": (webp[: len(webp) // 2], truncated),
        "pictures/header_only.webp": (webp[:30], truncated),
        "pictures/no_chunk.webp": (b"RIFF\4\0\0\0WEBP", damaged),
        "pictures/garbage.webp": (b"RIFF" + struct.pack("<L", 104) + b"WEBPVP8 " + bytes(96), damaged),
        "pictures/webp_bomb.webp": (_webp_canvas(16384), bomb),
    }


def _not_pictures() -> dict[str, tuple[bytes, Refusal]]:
    unsupported, video, other = Refusal.UNSUPPORTED_FORMAT, Refusal.VIDEO_DAMAGED, Refusal.NOT_AN_IMAGE
    return {
        "others/empty.jpg": (b"", Refusal.EMPTY),
        "others/zeros.jpg": (bytes(5000), Refusal.DAMAGED),
        "others/text.jpg": (b"not a picture at all", other),
        "others/page.jpg": (b"<!DOCTYPE html><html>Not found</html>", other),
        "others/vector.jpg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", other),
        "others/notes.txt": (b"tiger seen", other),
        "others/table.csv": (b"a,b\n1,2\n", other),
        "others/IMG_0001.xmp": (b"<x:xmpmeta/>", other),
        "others/paper.pdf": (b"%PDF-1.7\n", other),
        "others/program.jpg": (b"\x7fELF\2\1\1" + bytes(60), other),
        "others/cards.jpg": (raw_zip(RawEntry(b"a.jpg", b"x")), other),
        "others/phone.HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(80), Refusal.DAMAGED),
        "others/camera.DNG": (encoded(kind="TIFF"), unsupported),
        "others/half.tif": (encoded(BIG, "TIFF")[:20000], Refusal.TRUNCATED),
        "others/half.bmp": (encoded(BIG, "BMP")[:20000], Refusal.TRUNCATED),
        "others/half.gif": (encoded(BIG, "GIF")[:4000], Refusal.TRUNCATED),
        "others/bmp_bomb.bmp": (_bmp_bomb(), Refusal.DECOMPRESSION_BOMB),
        "others/phone.avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(80), unsupported),
        "others/clip.mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(80), video),
        "others/clip.mov": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(80), video),
        "others/clip.AVI": (b"RIFF\x50\0\0\0AVI LIST" + bytes(80), video),
        "others/clip.mkv": (b"\x1aE\xdf\xa3" + bytes(80), video),
        "others/clip.asf": (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(80), video),
        "others/video_named.jpg": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(80), video),
        "others/no_container.avi": (b"whatever", video),
    }


def _bmp_bomb() -> bytes:
    data = encoded(kind="BMP")
    return data[:18] + struct.pack("<2L", 60000, 60000) + data[26:]


def _archives() -> dict[str, tuple[bytes, Refusal]]:
    good = raw_zip(RawEntry(b"a.jpg", encoded()))
    end = good.index(b"PK\5\6")
    damaged = Refusal.DAMAGED_ARCHIVE
    return {
        "archives/empty.zip": (b"", Refusal.EMPTY),
        "archives/not_a_zip.zip": (b"just text", damaged),
        "archives/cut.zip": (good[: len(good) // 2], damaged),
        "archives/no_end.ZIP": (good[:end], damaged),
        "archives/end_cut.zip": (good[:-4], damaged),
        "archives/overwritten_directory.zip": (good.replace(b"PK\1\2", b"PK\1\1"), damaged),
        "archives/directory_beyond_the_file.zip": (
            good[: end + 12] + struct.pack("<2L", 0x7FFFFFFF, 0) + good[end + 20 :],
            damaged,
        ),
        "archives/states_more_entries.zip": (raw_zip(RawEntry(b"a/", b""), count=60000), damaged),
        "archives/second_disk.zip": (good[: end + 4] + b"\1\0\1\0" + good[end + 8 :], damaged),
        "archives/states_zip64_without.zip": (
            good[: end + 8] + b"\xff" * 4 + good[end + 12 :],
            damaged,
        ),
    }


def _entries() -> list[tuple[RawEntry, str, Refusal]]:
    jpeg = encoded()
    zeros = bytes(64 << 20)
    outside, broken, bomb = Refusal.ZIP_ENTRY_OUTSIDE, Refusal.DAMAGED_ENTRY, Refusal.ZIP_BOMB
    packed = bytearray(deflated(jpeg))
    packed[: len(packed) // 2] = b"\xff" * (len(packed) // 2)
    rest = [
        (RawEntry(b"locked.jpg", jpeg, flags=0x801), Refusal.ENCRYPTED),
        (RawEntry(b"strongly_locked.jpg", jpeg, flags=0x841), Refusal.ENCRYPTED),
        (RawEntry(b"link.jpg", b"/etc/passwd", mode=0o120777), Refusal.ZIP_SYMLINK),
        (RawEntry(b"inner.zip", raw_zip(RawEntry(b"a.jpg", jpeg))), Refusal.ZIP_IN_ZIP),
        (RawEntry(b"deflate64.jpg", jpeg, method=9), Refusal.UNSUPPORTED_COMPRESSION),
        (RawEntry(b"lzma.jpg", jpeg, method=zipfile.ZIP_LZMA), Refusal.UNSUPPORTED_COMPRESSION),
        (RawEntry(b"wrong_checksum.jpg", jpeg, crc=1), broken),
        (RawEntry(b"stored_wrong_checksum.jpg", jpeg, method=0, crc=1), broken),
        (RawEntry(b"garbled.jpg", jpeg, packed=bytes(packed)), broken),
        (RawEntry(b"states_more.jpg", jpeg, stated_size=len(jpeg) + 9), broken),
        (RawEntry(b"packed_cut.jpg", jpeg, stated_packed=len(deflated(jpeg)) - 9), broken),
        (RawEntry(b"wrong_place.jpg", jpeg, shift=7), broken),
        (RawEntry(b"beyond_the_end.jpg", jpeg, shift=0x70000000), broken),
        (RawEntry(b"other_name.jpg", jpeg, local_name=b"harmless.jpg"), broken),
        (RawEntry(b"truthful_bomb.jpg", zeros), bomb),
        (RawEntry(b"lying_bomb.png", encoded(kind="PNG") + zeros, stated_size=5000), bomb),
        (RawEntry(b"notes.txt", b"tiger seen"), Refusal.NOT_AN_IMAGE),
        (RawEntry(b"nothing.jpg", b""), Refusal.EMPTY),
        (RawEntry(b"bad_\xff_name.txt", b"x"), Refusal.NOT_AN_IMAGE),
    ]
    listed = [(RawEntry(raw, jpeg), shown, outside) for raw, shown in NAMES_OUTSIDE]
    for entry, refusal in rest:
        shown = entry.name.decode("utf-8", "backslashreplace")
        listed.append((entry, shown, refusal))
    return listed


def _places(folder: Path) -> dict[str, Refusal]:
    """What only a POSIX file system can hold."""
    places = folder / "places"
    places.mkdir(exist_ok=True)
    (places / "inside").mkdir(exist_ok=True)
    expected = {}

    def link(name: str, target: str, refusal: Refusal) -> None:
        (places / name).symlink_to(target)
        expected[f"places/{name}"] = refusal

    link("file_outside.jpg", str(Path(__file__).resolve()), Refusal.SYMLINK_OUTSIDE)
    link("folder_outside", "/usr", Refusal.SYMLINK_OUTSIDE)
    link("device.jpg", "/dev/zero", Refusal.SYMLINK_OUTSIDE)
    link("nowhere.jpg", "missing.jpg", Refusal.SYMLINK_BROKEN)
    link("itself.jpg", "itself.jpg", Refusal.SYMLINK_BROKEN)
    link("parent", "..", Refusal.SYMLINK_FOLDER)
    link("here", ".", Refusal.SYMLINK_FOLDER)
    link("sibling", "inside", Refusal.SYMLINK_FOLDER)
    os.mkfifo(places / "pipe.jpg")
    os.mkfifo(places / "pipe.zip")
    os.mknod(places / "socket.jpg", stat.S_IFSOCK | 0o600)
    link("to_pipe.jpg", "pipe.jpg", Refusal.NOT_A_FILE)
    expected |= dict.fromkeys(("places/pipe.jpg", "places/pipe.zip", "places/socket.jpg"), Refusal.NOT_A_FILE)
    if sys.platform == "linux":
        (places / os.fsdecode(b"caf\xe9\n.txt")).write_bytes(b"x")
        expected["places/caf\\xe9\\x0a.txt"] = Refusal.NOT_AN_IMAGE
    return expected


def _jpeg_sized(jpeg: bytes, width: int, height: int) -> bytes:
    at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2")) + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _repeated_scan(progressive: bytes, times: int) -> bytes:
    """The last scan again and again."""
    last = progressive.rindex(b"\xff\xda")
    return progressive[:-2] + progressive[last:-2] * times + b"\xff\xd9"


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))


def _png(width: int, height: int, packed: bytes) -> bytes:
    header = struct.pack(">2L5B", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _webp_canvas(side: int) -> bytes:
    body = struct.pack("<L", 0) + (side - 1).to_bytes(3, "little") * 2
    chunk = b"VP8X" + struct.pack("<L", len(body)) + body + bytes(200)
    return b"RIFF" + struct.pack("<L", len(chunk) + 4) + b"WEBP" + chunk
