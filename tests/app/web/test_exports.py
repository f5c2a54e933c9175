"""Exports over HTTP: whole files, refusals in words, and nothing left on the disk."""

from __future__ import annotations

import os
import time

import pytest

from app import files
from app.web.tokens import EXPORT


@pytest.fixture
def ask(client, services):
    def get(kind="megadetector", headers=None, **values):
        return client.get(
            f"/api/export/{kind}", params={"t": services.signer.sign(EXPORT, kind, 600), **values}, headers=headers
        )

    return get


def left(services):
    folder = files.exports_folder(services.survey.data_dir)
    return list(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("wanted", ["bytes=0-9", "bytes=999999999-", "bytes=5-1", "nonsense"])
def test_an_export_comes_whole_whatever_range_is_asked_for_and_leaves_nothing(ask, services, wanted):
    answer = ask(headers={"Range": wanted})
    assert answer.status_code == 200
    assert answer.json()["images"] == []
    assert left(services) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("days", "0"),
        ("days", "99999999999999999999"),
        ("days", "1e9"),
        ("occasions", "10001"),
        ("occasions", "x"),
        ("individual", "9" * 30),
        ("start", "99999-01-01"),
        ("flank", "top"),
    ],
)
def test_a_number_out_of_range_is_refused_in_words(ask, services, name, value):
    answer = ask("secr", **{name: value})
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert left(services) == []


def test_what_an_ended_server_left_is_swept_and_what_is_being_written_stays(ask, services):
    folder = files.exports_folder(services.survey.data_dir)
    folder.mkdir(parents=True)
    old, young = folder / "old.part", folder / "young.part"
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    assert ask().status_code == 200
    assert left(services) == [young]
