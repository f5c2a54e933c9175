"""A client of the local control plane, and a survey whose models run there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.survey.database import Survey, open_survey
from modal_backend.client import ModalBackend, Options
from tests.modal.modal_server import LocalModal


@pytest.fixture
def client(plane: LocalModal) -> ModalBackend:
    """A client with a short deadline."""
    del plane
    return ModalBackend(Options(timeout=30, max_retries=3, retry_delay=0.1))


@pytest.fixture
def modal_settings(plane: LocalModal, tmp_path: Path) -> Settings:
    """Settings of a survey whose models run on the local control plane."""
    return Settings(
        PUGMARK_DATA_DIR=tmp_path / "data",
        PUGMARK_BACKEND="modal",
        MODAL_TOKEN_ID="ak-local",
        MODAL_TOKEN_SECRET="as-local",
        _env_file=None,
    )


@pytest.fixture
def survey(modal_settings: Settings) -> Iterator[Survey]:
    modal_settings.data_dir.mkdir()
    survey = open_survey(modal_settings)
    yield survey
    survey.close()
