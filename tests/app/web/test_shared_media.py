"""Pictures over HTTP when media lie in a storage that machines share."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app import files
from app.storage import shared
from app.web.services import Services
from tests.support.pictures import encoded, noisy

ORIGINAL = encoded(noisy(1800, 1200))
SHA256 = hashlib.sha256(ORIGINAL).hexdigest()


@pytest.fixture
def data_dir(services: Services) -> Iterator[Path]:
    """A data folder whose files lie in the storage only."""
    assert services.settings is not None
    folder = services.settings.data_dir
    shared.connect(folder, f"memory://{uuid.uuid4().hex}")
    for path, content in (
        (files.original_path(folder, SHA256, ".jpg"), ORIGINAL),
        (files.thumb_path(folder, SHA256), encoded(noisy(256, 171))),
        (files.crop_path(folder, "7-0a0b0c0d.jpg"), encoded(noisy(90, 60))),
        (files.frame_path(folder, SHA256, 3), encoded(noisy(320, 240))),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        shared.share(folder, path)
    empty(folder)
    yield folder
    shared.connect(folder, None)


def empty(folder: Path) -> None:
    for kind in shared.KINDS:
        shutil.rmtree(folder / kind, ignore_errors=True)


ADDRESSES = (f"/thumbs/{SHA256}.jpg", f"/files/{SHA256}", f"/views/{SHA256}.jpg", f"/frames/{SHA256}/3.jpg")


@pytest.mark.parametrize("address", [*ADDRESSES, "/crops/7-0a0b0c0d.jpg"])
def test_a_picture_is_shown_though_the_data_folder_has_no_copy(
    address: str, data_dir: Path, client: TestClient, read: str
) -> None:
    first = client.get(address, params={"t": read})
    assert first.status_code == 200
    assert first.content.startswith(b"\xff\xd8")
    empty(data_dir)
    assert client.get(address, params={"t": read}).content == first.content


@pytest.mark.parametrize("address", ADDRESSES)
def test_while_the_storage_is_away_a_picture_says_so_and_is_not_cached(
    address: str, data_dir: Path, client: TestClient, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = shared.storage_of(data_dir)
    assert storage is not None

    def away(*_: object, **__: object) -> None:
        raise ConnectionError("10.0.0.1")

    for name in ("get_file", "find"):
        monkeypatch.setattr(type(storage.line.files), name, away)
    answer = client.get(address, params={"t": read})
    assert answer.status_code == 503
    assert "does not answer (ConnectionError)" in answer.json()["error"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_picture_that_nobody_has_is_not_found(data_dir: Path, client: TestClient, read: str) -> None:
    other = "1" * 64
    for address in (f"/thumbs/{other}.jpg", f"/files/{other}", f"/views/{other}.jpg", f"/frames/{other}/3.jpg"):
        assert client.get(address, params={"t": read}).status_code == 404
