"""A PostgreSQL server of a test's own, which may be stopped and started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # Debian's place; not on its PATH


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server with its files in `folder`, on a port of 127.0.0.1."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Of its first database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def control(self, *arguments: str) -> None:
        """Start, stop or restart it."""
        options = f"-p {self.port} -k {self.folder} -h 127.0.0.1 -c fsync=off"
        log = str(self.folder / "log")
        _run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, *arguments)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A server that runs until the end; `folder` has to be a short path that its user may enter."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        made = Cluster(folder, free.getsockname()[1])
    folder.mkdir(parents=True)
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    _run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8")
    made.control("start")
    try:
        yield made
    finally:
        made.control("stop", "-m", "immediate")
        shutil.rmtree(folder)


def _run(program: str, *arguments: str) -> None:
    """PostgreSQL's programs refuse to run as root."""
    path = shutil.which(program, path=os.pathsep.join(map(str, PROGRAMS))) or program
    user = "postgres" if os.getuid() == 0 else None
    subprocess.run([path, *arguments], check=True, user=user, stdout=subprocess.DEVNULL, cwd="/")
