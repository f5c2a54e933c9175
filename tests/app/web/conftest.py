"""The routes over a real survey, as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.settings import Settings
from app.survey.database import open_survey
from app.web.routes import build_routes
from app.web.services import Services
from app.web.tokens import READ, UPLOAD, open_signer

MEGABYTE = 1024**2


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Settings(PUGMARK_DATA_DIR=tmp_path, PUGMARK_UPLOAD_MAX_BYTES=64 * MEGABYTE, PUGMARK_DATABASE_URL=None)
    survey = open_survey(settings)
    yield Services(settings, survey, open_signer(tmp_path))
    survey.close()


@pytest.fixture
def client(services: Services) -> TestClient:
    return TestClient(Starlette(routes=build_routes(services)), client=("127.0.0.1", 50000))


@pytest.fixture
def read(services: Services) -> str:
    assert services.signer is not None
    return services.signer.sign(READ, "page", 3600)


@pytest.fixture
def upload(services: Services) -> Callable[[str], dict[str, str]]:
    def headers(batch: str) -> dict[str, str]:
        assert services.signer is not None
        return {"Authorization": f"Bearer {services.signer.sign(UPLOAD, batch, 3600)}"}

    return headers
