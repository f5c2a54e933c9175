"""The local control plane with the project's app deployed, as session fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import modal.client
import pytest

from modal_backend.client import ModalBackend, Options
from tests.modal.modal_server import LocalModal, client_env

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[LocalModal]:
    """A server of its own with the app deployed; a client that a test before has made is of another server."""
    modal.client._Client._set_env_client(None)
    with LocalModal() as server:
        server.deploy("modal_backend.modal_app", ROOT)
        yield server


@pytest.fixture
def plane(control_plane: LocalModal, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalModal]:
    """The server without faults, before and after, named in the environment of this one test."""
    for name, value in client_env(control_plane.port).items():
        monkeypatch.setenv(name, value)
    control_plane.clear()
    yield control_plane
    was_away = control_plane.state()["mode"] != "up"
    control_plane.clear()
    if was_away:  # its containers may hang in the black hole for minutes
        control_plane.kill_containers()


@pytest.fixture(scope="session")
def faulty(control_plane: LocalModal) -> str:
    """The name of a deployed app that misbehaves."""
    control_plane.deploy("tests.modal.faulty_app", ROOT)
    return "pugmark-faulty"


@pytest.fixture
def client(plane: LocalModal) -> ModalBackend:
    """A client with a short deadline."""
    del plane
    return ModalBackend(Options(timeout=30, max_retries=3, retry_delay=0.1))
