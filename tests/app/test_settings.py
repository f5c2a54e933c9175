"""Settings: a bad value is one sentence that names the setting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import files
from app.settings import BadSetting, Settings, load_settings
from app.survey.database import open_survey

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
    load_settings.cache_clear()
    yield monkeypatch
    load_settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value"),
    [("PUGMARK_BACKEND", "cloud"), ("PUGMARK_EVENT_GAP_SECONDS", "soon"), ("PUGMARK_UPLOAD_MAX_BYTES", "-1")],
)
def test_a_bad_value_is_one_sentence_that_names_the_setting(environment, name, value):
    environment.setenv(name, value)
    with pytest.raises(BadSetting) as caught:
        load_settings()
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_modal_asked_for_and_forbidden_is_a_contradiction(environment):
    environment.setenv("PUGMARK_BACKEND", "modal")
    environment.setenv("MODAL_ENABLED", "false")
    with pytest.raises(BadSetting, match="PUGMARK_BACKEND is modal but MODAL_ENABLED is false"):
        load_settings()


def test_the_environment_wins_over_the_env_file(tmp_path, monkeypatch):
    file = tmp_path / ".env"
    file.write_text("PUGMARK_EVENT_GAP_SECONDS=10\nPUGMARK_REVIEWER=file\n")
    monkeypatch.setenv("PUGMARK_EVENT_GAP_SECONDS", "20")
    settings = Settings(_env_file=file)
    assert (settings.event_gap_seconds, settings.reviewer) == (20, "file")


def test_the_command_line_stops_with_the_sentence_and_status_2(tmp_path):
    environment = {**os.environ, "PUGMARK_DATA_DIR": str(tmp_path), "PUGMARK_BACKEND": "cloud"}
    ran = subprocess.run(
        [sys.executable, "-m", "app", "status"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("PUGMARK_BACKEND:")
    assert "Traceback" not in ran.stderr


def test_auto_is_modal_where_a_token_is_and_embedded_where_it_is_switched_off(tmp_path):
    token = {"MODAL_TOKEN_ID": "ak-1", "MODAL_TOKEN_SECRET": "as-1", "MODAL_CONFIG_PATH": tmp_path / "none"}
    assert Settings(**token, _env_file=None).active_backend == "modal"
    assert Settings(**token, MODAL_ENABLED=False, _env_file=None).active_backend == "embedded"
    assert Settings(MODAL_CONFIG_PATH=tmp_path / "none", _env_file=None).active_backend == "embedded"


def test_auto_finds_the_token_file_of_modal_itself(tmp_path):
    (tmp_path / "modal.toml").write_text("[default]\n")
    assert Settings(MODAL_CONFIG_PATH=tmp_path / "modal.toml", _env_file=None).active_backend == "modal"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"PUGMARK_BACKEND": "embedded", "MODAL_ENABLED": "true"}, "embedded but MODAL_ENABLED is true"),
        ({"PUGMARK_BACKEND": "modal"}, "no credentials"),
        ({"MODAL_TOKEN_ID": "ak-1"}, "belong together"),
    ],
)
def test_contradictions_about_modal_stop_the_start(environment, tmp_path, values, sentence):
    environment.setenv("MODAL_CONFIG_PATH", str(tmp_path / "none"))
    for name, value in values.items():
        environment.setenv(name, value)
    with pytest.raises(BadSetting, match=sentence):
        load_settings()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_what_lies_in_the_data_folder_is_for_its_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PUGMARK_DATA_DIR", str(tmp_path / "data"))
    before = os.umask(0o022)
    try:
        load_settings.cache_clear()
        settings = load_settings()
        open_survey(settings).close()
        files.database_path(settings.data_dir).chmod(0o644)
        open_survey(settings).close()
    finally:
        os.umask(before)
        load_settings.cache_clear()
    modes = {path.stat().st_mode & 0o077 for path in [settings.data_dir, *settings.data_dir.rglob("*")]}
    assert modes == {0}
