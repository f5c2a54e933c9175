"""Everything in the folder of malformed files is refused for the right reason; what is good goes in."""

from __future__ import annotations

import time
from pathlib import Path

from app.ingest.intake import source_files, take_in
from app.ingest.limits import Limits
from app.ingest.refusals import MESSAGES, Refusal, Refused, RefusedFile
from app.ingest.store import MediaStore
from tests.support.malformed import make_malformed
from tests.support.pictures import encoded, noisy
from tests.support.raw_zip import RawEntry, raw_zip


def imported(root: Path, store: MediaStore, limits: Limits | None = None) -> tuple[dict, dict]:
    """What an import takes in, and what it refuses, by path."""
    limits = limits or Limits()
    taken, refused = {}, {}
    for found in source_files(root, limits=limits):
        assert found.path not in taken
        assert found.path not in refused
        if isinstance(found, RefusedFile):
            refused[found.path] = found
            continue
        try:
            taken[found.path] = take_in(found, store, limits)
        except Refused as error:
            refused[found.path] = RefusedFile.of(found.path, error)
    return taken, refused


def test_every_malformed_file_is_refused_for_its_own_reason_and_good_neighbours_go_in(tmp_path: Path) -> None:
    expected = make_malformed(tmp_path / "card")
    assert len(expected) >= 50
    (tmp_path / "card/DCIM").mkdir()
    (tmp_path / "card/DCIM/good.JPG").write_bytes(encoded())
    (tmp_path / "card/cards.zip").write_bytes(
        raw_zip(
            RawEntry(b"DCIM/bad.jpg", encoded(), crc=1),
            RawEntry(b"DCIM/good.png", encoded(kind="PNG")),
            RawEntry(b"DCIM/../bad.jpg", encoded()),
            RawEntry(b"DCIM/good.webp", encoded(kind="WEBP"), method=0),
        )
    )
    store = MediaStore(tmp_path / "store")
    started = time.monotonic()
    taken, refused = imported(tmp_path / "card", store)
    assert time.monotonic() - started < 20
    expected["cards.zip/DCIM/bad.jpg"] = Refusal.DAMAGED_ENTRY
    expected["cards.zip/DCIM/../bad.jpg"] = Refusal.ZIP_ENTRY_OUTSIDE
    assert {path: found.refusal for path, found in refused.items()} == expected
    assert set(taken) == {"DCIM/good.JPG", "cards.zip/DCIM/good.png", "cards.zip/DCIM/good.webp"}
    assert sum(path.is_file() for path in (store.root / "originals").rglob("*")) == 3
    assert not list(store.incoming.iterdir())


def test_every_refusal_says_what_to_do_in_one_printable_sentence(tmp_path: Path) -> None:
    assert set(MESSAGES) == set(Refusal)
    make_malformed(tmp_path / "card")
    _, refused = imported(tmp_path / "card", MediaStore(tmp_path / "store"))
    for found in refused.values():
        assert found.path.isprintable()
        assert found.message.endswith(".")
        assert found.message.count(". ") == 0
        assert str(tmp_path) not in found.message + found.detail


def test_the_same_folder_is_listed_in_the_same_order_every_time(tmp_path: Path) -> None:
    make_malformed(tmp_path)
    first = [found.path for found in source_files(tmp_path, limits=Limits())]
    assert first == [found.path for found in source_files(tmp_path, limits=Limits())]


def test_limits_are_counted_and_not_believed(tmp_path: Path) -> None:
    big = encoded(noisy(400, 300))
    (tmp_path / "card").mkdir()
    (tmp_path / "card/large.jpg").write_bytes(big)
    (tmp_path / "card/small.zip").write_bytes(raw_zip(*(RawEntry(b"%d.jpg" % n, encoded()) for n in range(9))))
    store = MediaStore(tmp_path / "store")
    _, refused = imported(tmp_path / "card", store, Limits(file_bytes=len(big) - 1))
    assert {path: found.refusal for path, found in refused.items()} == {"large.jpg": Refusal.TOO_LARGE}
    _, refused = imported(tmp_path / "card", store, Limits(pixels=400 * 300 - 1, zip_entries=8))
    assert {path: found.refusal for path, found in refused.items()} == {
        "large.jpg": Refusal.DECOMPRESSION_BOMB,
        "small.zip": Refusal.TOO_MANY_ENTRIES,
    }
    taken, refused = imported(tmp_path / "card", store, Limits(zip_bytes=5 * len(encoded())))
    assert len(taken) == 6
    assert {found.refusal for found in refused.values()} == {Refusal.ZIP_BOMB}
