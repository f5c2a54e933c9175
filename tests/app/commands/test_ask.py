"""python -m app ask: an answer with its source, or one sentence with the remedy, and never the key."""

from __future__ import annotations

import json

import pytest

from app.__main__ import main
from app.settings import load_settings
from tests.support.chat_server import KEY, TEXT, chat_server
from tests.support.square_video import write_video


@pytest.fixture
def server(tmp_path, monkeypatch):
    with chat_server() as running:
        monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("OMNIVINCI_API_URL", running.url)
        monkeypatch.setenv("OMNIVINCI_API_KEY", KEY)
        load_settings.cache_clear()
        yield running
        load_settings.cache_clear()


def test_an_answer_in_json_with_its_source(server, tmp_path, capsys):
    assert main(["ask", str(write_video(tmp_path / "clip.avi", seconds=1)), "--own", "How many?", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["text"], answer["count_claimed"], answer["question"]) == (TEXT, 2, "How many?")
    assert len(answer["frame_seconds"]) == 8
    assert answer["cost_dollars"] is None


@pytest.mark.parametrize(("way", "code"), [(401, 1), ("cut", 1)])
def test_a_failure_is_one_sentence_with_the_remedy(server, tmp_path, capsys, way, code):
    server.script = [way]
    assert main(["ask", str(write_video(tmp_path / "clip.avi", seconds=1))]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert KEY not in shown.err


def test_without_a_key_the_remedy_is_told(server, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("OMNIVINCI_API_KEY")
    load_settings.cache_clear()
    assert main(["ask", str(write_video(tmp_path / "clip.avi", seconds=1))]) == 1
    assert "not configured. Set OMNIVINCI_API_KEY" in capsys.readouterr().err
    assert server.requests == []


@pytest.mark.parametrize("arguments", [["nothing.avi"], ["clip.avi", "--question", "who"]])
def test_a_bad_call_ends_with_status_2(server, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "clip.avi", seconds=1)
    assert main(["ask", *arguments]) == 2
