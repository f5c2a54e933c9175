"""A dashboard in a process of its own, as README starts it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.commands import ROOT, environment


class Dashboard(NamedTuple):
    """Where it is reached, and its process."""

    address: str
    pid: int


@contextmanager
def dashboard(data_dir: Path, log: Path, **more: str) -> Iterator[Dashboard]:
    """A dashboard without a worker of its own; what it says goes to `log`. more: settings in its environment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "streamlit", "run", "app/main.py", "--server.headless", "true", "--server.port", str(port)]
    settings = environment(data_dir, PUGMARK_START_WORKER="false", **more)
    with log.open("ab") as out:
        server = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=settings, stdout=out, stderr=out)
    try:
        yield Dashboard(f"http://127.0.0.1:{port}", server.pid)
    finally:
        server.kill()
        server.wait()


def reachable(address: str) -> bool:
    """Whether a server listens there."""
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
