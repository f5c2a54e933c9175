"""One local control plane a test process, with the project's app deployed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.modal.modal_server import LocalModal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[LocalModal]:
    """A server with the app deployed; a client that a test before has made is of another server."""
    import modal.client

    from tests.modal.modal_server import LocalModal

    modal.client._Client._set_env_client(None)
    with LocalModal() as server:
        server.deploy("modal_backend.modal_app", ROOT)
        yield server


@pytest.fixture
def plane(control_plane: LocalModal, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalModal]:
    """The server without faults, before and after, named in the environment of this one test."""
    import modal.client

    from tests.modal.modal_server import client_env

    for name, value in client_env(control_plane.port).items():
        monkeypatch.setenv(name, value)
    control_plane.clear()
    yield control_plane
    was_away = control_plane.state()["mode"] != "up"
    control_plane.clear()
    if was_away:  # its containers may hang in the black hole for minutes, and the client hears nothing for a while
        control_plane.kill_containers()
        modal.client._Client._set_env_client(None)


@pytest.fixture(scope="session")
def faulty(control_plane: LocalModal) -> str:
    """The name of a deployed app that misbehaves."""
    control_plane.deploy("tests.modal.faulty_app", ROOT)
    return "pugmark-faulty"
