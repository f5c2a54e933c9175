"""The local control plane with the project's app deployed, as session fixtures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from modal_backend.client import ModalBackend, Options
from tests.modal_server import LocalModal, client_env

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[LocalModal]:
    """A server of its own with the app deployed, named in this process' environment."""
    with LocalModal() as server:
        before = dict(os.environ)
        os.environ.update(client_env(server.port))
        server.deploy("modal_backend.modal_app", ROOT)
        yield server
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def plane(control_plane: LocalModal) -> Iterator[LocalModal]:
    """The server without faults, before and after."""
    control_plane.clear()
    yield control_plane
    control_plane.clear()


@pytest.fixture(scope="session")
def faulty(control_plane: LocalModal) -> str:
    """The name of a deployed app that misbehaves."""
    control_plane.deploy("tests.faulty_app", ROOT)
    return "pugmark-faulty"


@pytest.fixture
def client(plane: LocalModal) -> ModalBackend:
    """A client with a short deadline."""
    del plane
    return ModalBackend(Options(timeout=30, max_retries=3, retry_delay=0.1))
