"""Folders, zips and single pictures give the files they hold, whatever the names are."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.ingest.intake import source_files, take_in
from app.ingest.limits import Limits
from app.ingest.refusals import Refusal, Refused, RefusedFile
from app.ingest.source import SourceFile
from app.ingest.store import MediaStore
from tests.support.pictures import encoded, noisy
from tests.support.raw_zip import RawEntry, raw_zip

JPEG = encoded()


def listed(root: Path, limits: Limits | None = None) -> list[str]:
    return [found.path for found in source_files(root, limits=limits or Limits())]


def zipped(names: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return out.getvalue()


def contents(root: Path) -> dict[str, bytes]:
    found = {}
    for file in source_files(root, limits=Limits()):
        assert isinstance(file, SourceFile), file
        with file.open() as stream:
            found[file.path] = stream.read()
        assert file.bytes == len(found[file.path])
    return found


def test_nested_folders_and_zips_are_listed_by_name_with_their_path(tmp_path: Path) -> None:
    (tmp_path / "b/100RECNX").mkdir(parents=True)
    for name in ("z.JPG", "b/100RECNX/2.jpeg", "b/100RECNX/1.jpg", "a.png"):
        (tmp_path / name).write_bytes(JPEG)
    (tmp_path / "b/cards.ZIP").write_bytes(zipped({"DCIM/2.jpg": JPEG, "DCIM/1.jpg": JPEG}))
    assert listed(tmp_path) == [
        "a.png",
        "b/100RECNX/1.jpg",
        "b/100RECNX/2.jpeg",
        "b/cards.ZIP/DCIM/2.jpg",
        "b/cards.ZIP/DCIM/1.jpg",
        "z.JPG",
    ]
    assert set(contents(tmp_path).values()) == {JPEG}


def test_a_zip_or_a_picture_may_be_the_root(tmp_path: Path) -> None:
    (tmp_path / "cards.zip").write_bytes(zipped({"DCIM/": b"", "DCIM/1.jpg": JPEG}))
    (tmp_path / "one.jpg").write_bytes(JPEG)
    assert contents(tmp_path / "cards.zip") == {"DCIM/1.jpg": JPEG}
    assert contents(tmp_path / "one.jpg") == {"one.jpg": JPEG}


def test_a_root_that_is_not_there_is_one_refusal(tmp_path: Path) -> None:
    (found,) = source_files(tmp_path / "gone", limits=Limits())
    assert isinstance(found, RefusedFile)
    assert (found.path, found.refusal) == ("gone", Refusal.UNREADABLE)
    (found,) = source_files(tmp_path / "no\0name", limits=Limits())
    assert isinstance(found, RefusedFile)
    assert (found.path, found.refusal) == ("no\\x00name", Refusal.UNREADABLE)


def test_an_operating_systems_own_files_are_left_out_in_folders_and_zips(tmp_path: Path) -> None:
    names = ["Thumbs.db", ".DS_Store", "desktop.ini", "a/.hidden/1.jpg", "__MACOSX/a/1.jpg"]
    for name in [*names, "a/1.jpg"]:
        (tmp_path / "card" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "card" / name).write_bytes(JPEG)
    (tmp_path / "card/a.zip").write_bytes(zipped(dict.fromkeys([*names, "a/1.jpg"], JPEG)))
    assert listed(tmp_path / "card") == ["a/1.jpg", "a.zip/a/1.jpg"]


def test_what_stands_beside_media_is_named_and_left_out(tmp_path: Path) -> None:
    names = ["._1.jpg", "1.jpg", "1.jpg_original", "2.AVI", "2.THM", "a_original"]
    for name in names:
        (tmp_path / name).write_bytes(JPEG)
    (tmp_path / "a.zip").write_bytes(zipped(dict.fromkeys(names, JPEG)))
    found = {file.path: getattr(file, "refusal", None) for file in source_files(tmp_path, limits=Limits())}
    expected = {"._1.jpg": Refusal.SHADOW, "1.jpg_original": Refusal.BEFORE_EDIT, "2.THM": Refusal.THUMBNAIL}
    for name in names:
        assert found[name] == found[f"a.zip/{name}"] == expected.get(name)


def test_a_video_brings_the_small_picture_beside_it(tmp_path: Path) -> None:
    for name in ("2.AVI", "3.AVI"):
        (tmp_path / name).write_bytes(b"video")
    (tmp_path / "2.THM").write_bytes(JPEG)
    first, second = (file for file in source_files(tmp_path, limits=Limits()) if isinstance(file, SourceFile))
    assert second.sidecar is None
    assert first.sidecar is not None
    with first.sidecar() as stream:
        assert stream.read() == JPEG


@pytest.mark.parametrize("name", ["./Station 08/1.jpg", "Station 08\\1.jpg", ".\\Station 08\\.\\1.jpg"])
def test_names_with_dots_or_backslashes_are_unpacked_into_their_folders(tmp_path: Path, name: str) -> None:
    entries = [RawEntry(b"./", b""), RawEntry(b"Station 08\\", b""), RawEntry(name.encode(), JPEG)]
    (tmp_path / "a.zip").write_bytes(raw_zip(*entries))
    assert contents(tmp_path / "a.zip") == {"Station 08/1.jpg": JPEG}


def test_a_zip_without_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(raw_zip(RawEntry(b"./", b""), RawEntry(b".DS_Store", b"x")))
    (found,) = source_files(tmp_path / "a.zip", limits=Limits())
    assert isinstance(found, RefusedFile)
    assert found.refusal is Refusal.ZIP_WITHOUT_FILES


@pytest.mark.parametrize(
    ("name", "page"),
    [("Кордон 3", "cp866"), ("Заповедник", "cp866"), ("Forêt Nº1", "cp850"), ("São João", "cp850"),
     ("Gebüsch", "cp437"), ("Žďár", "cp852"), ("森林1", "cp932")],
)  # fmt: skip
def test_names_in_an_old_code_page_are_read_where_only_one_reading_makes_sense(
    tmp_path: Path, name: str, page: str
) -> None:
    (tmp_path / "a.zip").write_bytes(raw_zip(RawEntry(f"{name}/1.jpg".encode(page), JPEG, flags=0)))
    assert contents(tmp_path / "a.zip") == {f"{name}/1.jpg": JPEG}


@pytest.mark.parametrize(("name", "page"), [("лес", "cp1251"), ("Wrzesień", "cp852"), ("지리산", "euc_kr")])
def test_names_that_make_sense_in_several_code_pages_are_asked_about_and_never_guessed(
    tmp_path: Path, name: str, page: str
) -> None:
    named, plain = RawEntry(f"{name}/1.jpg".encode(page), JPEG, flags=0), RawEntry(b"b/1.jpg", JPEG, flags=0)
    (tmp_path / "a.zip").write_bytes(raw_zip(named, plain))
    refused, taken = source_files(tmp_path / "a.zip", limits=Limits())
    assert isinstance(refused, RefusedFile)
    assert refused.refusal is Refusal.ZIP_NAMES_UNCLEAR
    assert f"{name}/1.jpg ({page})" in refused.message
    assert taken.path == "b/1.jpg"
    chosen = [file.path for file in source_files(tmp_path / "a.zip", limits=Limits(), names_in=page)]
    assert chosen == [f"{name}/1.jpg", "b/1.jpg"]


def test_names_that_make_sense_nowhere_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(raw_zip(RawEntry(b"a\xff\x9b\xb0/1.jpg", JPEG, flags=0)))
    (found,) = source_files(tmp_path / "a.zip", limits=Limits())
    assert isinstance(found, RefusedFile)
    assert found.refusal is Refusal.ZIP_NAMES_UNCLEAR


def test_a_link_to_a_picture_inside_the_import_is_followed(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(JPEG)
    (tmp_path / "also.jpg").symlink_to("one.jpg")
    assert contents(tmp_path) == {"also.jpg": JPEG, "one.jpg": JPEG}


def test_an_import_root_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / "card/one.jpg").write_bytes(JPEG)
    (tmp_path / "link").symlink_to("card")
    assert listed(tmp_path / "link") == ["one.jpg"]


def test_a_folder_named_like_a_picture_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").mkdir()
    (tmp_path / "x.jpg/1.jpg").write_bytes(JPEG)
    assert listed(tmp_path) == ["x.jpg/1.jpg"]


@pytest.mark.parametrize("change", ["gone", "folder", "pipe", "link"])
def test_a_file_that_changes_after_listing_is_refused_and_never_waited_for(tmp_path: Path, change: str) -> None:
    card = tmp_path / "card"
    card.mkdir()
    (card / "1.jpg").write_bytes(JPEG)
    (found,) = source_files(card, limits=Limits())
    assert isinstance(found, SourceFile)
    (card / "1.jpg").unlink()
    if change == "folder":
        (card / "1.jpg").mkdir()
    elif change == "pipe":
        os.mkfifo(card / "1.jpg")
    elif change == "link":
        (card / "1.jpg").symlink_to("/etc/passwd")
    with pytest.raises(Refused) as refused:
        take_in(found, MediaStore(tmp_path / "store"), Limits())
    assert refused.value.refusal is (Refusal.UNREADABLE if change == "gone" else Refusal.NOT_A_FILE)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows such file names")
def test_names_that_cannot_be_printed_are_shown_escaped_and_still_open(tmp_path: Path) -> None:
    names = [b"caf\xe9.jpg", b"two\nlines.jpg", "tigré 虎.jpg".encode(), "a\u202egpj.jpg".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(JPEG)
    assert sorted(contents(tmp_path)) == [
        "a\\u202egpj.jpg",
        "caf\\xe9.jpg",
        "tigré 虎.jpg",
        "two\\x0alines.jpg",
    ]


def test_files_are_listed_lazily(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(JPEG)
    (tmp_path / "later").mkdir()
    found = source_files(tmp_path, limits=Limits())
    assert next(found).path == "1.jpg"
    (tmp_path / "later/2.jpg").write_bytes(JPEG)
    assert [file.path for file in found] == ["later/2.jpg"]


def test_a_zip_entry_may_be_opened_by_another_process(tmp_path: Path) -> None:
    (tmp_path / "cards.zip").write_bytes(zipped({"1.jpg": JPEG}))
    (found,) = pickle.loads(pickle.dumps(list(source_files(tmp_path, limits=Limits()))))
    assert isinstance(found, SourceFile)
    with found.open() as stream:
        assert stream.read() == JPEG


def test_large_entries_stream_whole_and_zips_with_something_before_them_open(tmp_path: Path) -> None:
    data = os.urandom(3_000_000) + bytes(3_000_000)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        (tmp_path / "a.zip").write_bytes(b"#!/bin/sh\nexit\n" * 50 + zipped({"big.bin": data}, method))
        assert contents(tmp_path) == {"a.zip/big.bin": data}


def test_zip64_archives_open(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        with archive.open("streamed.jpg", "w", force_zip64=True) as entry:
            entry.write(JPEG)
        for number in range(66_000):
            archive.writestr(f"{number}", b"")
    found = source_files(tmp_path, limits=Limits())
    first = next(found)
    assert isinstance(first, SourceFile)
    with first.open() as stream:
        assert stream.read() == JPEG
    assert sum(1 for _ in found) == 66_000
    wide = RawEntry(b"wide.jpg", JPEG, stated_size=0xFFFFFFFF, extra=struct.pack("<2HQ", 1, 8, len(JPEG)))
    (tmp_path / "a.zip").write_bytes(raw_zip(wide))
    assert contents(tmp_path) == {"a.zip/wide.jpg": JPEG}


def test_an_entry_that_lies_beyond_every_file_is_refused_and_breaks_nothing_off(tmp_path: Path) -> None:
    far = RawEntry(b"far.jpg", JPEG, shift=0, extra=struct.pack("<2HQ", 1, 8, 1 << 63))
    data = bytearray(raw_zip(far, RawEntry(b"near.jpg", JPEG)))
    at = data.index(b"PK\1\2") + 42
    data[at : at + 4] = b"\xff" * 4
    (tmp_path / "a.zip").write_bytes(bytes(data))
    first, second = source_files(tmp_path / "a.zip", limits=Limits())
    assert isinstance(first, SourceFile)
    assert isinstance(second, SourceFile)
    with pytest.raises(Refused) as refused, first.open():
        pass
    assert refused.value.refusal is Refusal.DAMAGED_ENTRY
    with second.open() as stream:
        assert stream.read() == JPEG


def test_names_without_the_utf8_mark_are_read_as_utf8_or_dos(tmp_path: Path) -> None:
    entries = [RawEntry("虎.jpg".encode(), JPEG, flags=0), RawEntry("é.jpg".encode("cp437"), JPEG, flags=0)]
    (tmp_path / "a.zip").write_bytes(raw_zip(*entries))
    assert listed(tmp_path) == ["a.zip/虎.jpg", "a.zip/é.jpg"]


def test_an_entry_that_lies_about_where_it_begins_takes_no_other_with_it(tmp_path: Path) -> None:
    good, lying = RawEntry(b"good.jpg", JPEG), RawEntry(b"lying.jpg", JPEG, shift=-60)
    (tmp_path / "a.zip").write_bytes(raw_zip(good, lying))
    first, _ = source_files(tmp_path / "a.zip", limits=Limits())
    assert isinstance(first, SourceFile)
    with first.open() as stream:
        assert stream.read() == JPEG


def test_the_second_entry_of_one_name_and_overlapping_entries_are_refused(tmp_path: Path) -> None:
    same = [RawEntry(b"1.jpg", JPEG), RawEntry(b"1.jpg", JPEG)]
    (tmp_path / "a.zip").write_bytes(raw_zip(*same))
    overlapping = [RawEntry(b"%d.jpg" % n, JPEG, packed=b"", stated_packed=10_000) for n in range(3)]
    (tmp_path / "b.zip").write_bytes(raw_zip(RawEntry(b"0", os.urandom(12_000), method=0), *overlapping))
    found = {file.path: getattr(file, "refusal", None) for file in source_files(tmp_path, limits=Limits())}
    assert found["a.zip/1.jpg"] is Refusal.ZIP_DUPLICATE_NAME
    assert [found[f"b.zip/{n}.jpg"] for n in range(3)] == [Refusal.ZIP_BOMB] * 3


def test_an_entry_that_states_too_large_a_size_does_not_cost_the_others(tmp_path: Path) -> None:
    entries = [RawEntry(b"0.jpg", JPEG, stated_packed=1 << 30), RawEntry(b"1.jpg", JPEG), RawEntry(b"2.jpg", JPEG)]
    (tmp_path / "a.zip").write_bytes(raw_zip(*entries))
    found = {file.path: getattr(file, "refusal", None) for file in source_files(tmp_path, limits=Limits())}
    assert found == {"a.zip/0.jpg": Refusal.ZIP_BOMB, "a.zip/1.jpg": None, "a.zip/2.jpg": None}


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_zip_gives_entries_or_refusals_and_nothing_else(data: st.DataObject) -> None:
    whole = zipped({"1.jpg": JPEG[:600], "2.txt": b"tiger " * 50})
    damaged = bytearray(whole)
    for bit in data.draw(st.lists(st.integers(0, len(whole) * 8 - 1), max_size=8)):
        damaged[bit // 8] ^= 1 << bit % 8
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"pugmark-fuzz-{os.getpid()}.zip"
    try:
        path.write_bytes(damaged[: data.draw(st.integers(0, len(whole)))])
        for found in source_files(path, limits=Limits()):
            if isinstance(found, SourceFile):
                try:
                    with found.open() as stream:
                        stream.read()
                except Refused:
                    continue
    finally:
        path.unlink(missing_ok=True)


def test_facts_come_from_exif_then_from_the_file_name(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0110] = "HC600"
    exif.get_ifd(0x8769)[0x9003] = "2024:03:12 05:41:12"
    (tmp_path / "20200101_000000.jpg").write_bytes(encoded(noisy(1500, 900), exif=exif))
    (tmp_path / "20210202_020202.png").write_bytes(encoded(kind="PNG"))
    (tmp_path / "RCNX0001.webp").write_bytes(encoded(kind="WEBP"))
    store = MediaStore(tmp_path / ".store")
    jpeg, png, webp = (
        take_in(found, store, Limits())
        for found in source_files(tmp_path, limits=Limits())
        if isinstance(found, SourceFile)
    )
    assert (jpeg.format, jpeg.width, jpeg.height, jpeg.camera_model) == ("jpeg", 900, 1500, "HC600")
    assert (jpeg.taken_at, jpeg.taken_at_source) == (datetime(2024, 3, 12, 5, 41, 12), "exif")
    assert jpeg.picture.shape == (1500, 900, 3)
    assert (png.format, png.taken_at, png.taken_at_source) == (
        "png",
        datetime(2021, 2, 2, 2, 2, 2),
        "file name",
    )
    assert (webp.format, webp.taken_at, webp.taken_at_source) == ("webp", None, None)
