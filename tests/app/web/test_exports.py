"""Exports over HTTP: from disk, with a token made for the file, also a part of it, and in words when it is gone."""

from __future__ import annotations

import shutil

import pytest

from app.jobs import exports as job
from app.survey.exports import written
from app.web.tokens import EXPORT


@pytest.fixture
def file(services):
    with services.survey.write() as session:
        number = written.ask_for(session, "megadetector", {}, "ana").id
    job.bring_to_end(services.survey, number)
    return number


@pytest.fixture
def ask(client, services, file):
    def get(name="pugmark-megadetector.json", made_for=file, headers=None):
        token = services.signer.sign(EXPORT, str(made_for), 600)
        return client.get(f"/api/export/{file}/{name}", params={"t": token}, headers=headers)

    return get


def test_a_file_comes_from_disk_whole_or_from_where_a_download_broke_off(ask):
    whole = ask()
    assert whole.json()["images"] == []
    assert 'filename="pugmark-megadetector.json"' in whole.headers["content-disposition"]
    assert whole.headers["cache-control"] == "no-store"
    rest = ask(headers={"Range": "bytes=10-"})
    assert (rest.status_code, rest.content) == (206, whole.content[10:])
    assert ask().content == whole.content


def test_the_readme_beside_a_file_is_sent_too(ask):
    assert b"Written by Pugmark" in ask("pugmark-megadetector.README.txt").content


def test_a_token_for_another_file_opens_nothing(ask, client, file):
    assert ask(made_for=file + 1).status_code == 403
    assert client.get(f"/api/export/{file}/pugmark-megadetector.json").status_code == 403


@pytest.mark.parametrize("name", ["survey.sqlite", "..%2f..%2fsurvey.sqlite", "pugmark-megadetector.json.part"])
def test_no_other_file_is_sent(ask, name):
    assert ask(name).status_code == 404


def test_a_file_that_was_removed_says_so(ask, services):
    shutil.rmtree(services.survey.data_dir / "exports")
    answer = ask()
    assert answer.status_code == 404
    assert "kept for 7 days" in answer.json()["error"]
