"""`python -m app` in a process of its own that need not import the program: it is forked from one that has done so."""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = (
    "app.commands.imports",
    "app.commands.work",
    "app.jobs.worker",
    "modal_backend.models.detectors.pocket_detector",
    "modal_backend.models.loaders",
    "modal_backend.models.rapid.features",
)


class Forked:
    """A process as subprocess.Popen has it: its number, how it is ended, and its exit status."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = int(connection.recv(32))
        self.returncode: int | None = None

    def wait(self) -> int:
        """Its exit status once it has ended; minus the number of a signal that ended it."""
        if self.returncode is None:
            self.returncode = int(self._connection.recv(32))
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """End it at once; one that has ended already is passed over."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


Process = Forked | subprocess.Popen[bytes]


def start(arguments: list[str], env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]) -> Process:
    """`python -m app ARGUMENTS` in the project's folder; where there is no fork as a person starts it.

    Args:
        env: its whole environment.
        stdout, stderr: open files that take what it prints.
    """
    if sys.platform != "linux":
        command = [sys.executable, "-m", "app", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=stdout, stderr=stderr)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        asked = json.dumps({"arguments": arguments, "env": dict(env)}).encode()
        socket.send_fds(_server(), [asked], [there.fileno(), stdout.fileno(), stderr.fileno()])
    return Forked(here)


@cache
def _server() -> socket.socket:
    """What is written there is done by the process that forks; it ends with this one."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    code = "from tests.support.forked import serve; serve()"
    with there:
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=there, stdout=subprocess.DEVNULL)
    return here


def serve() -> None:
    """Fork a process for each message, and answer with its number and its exit status."""
    for name in IMPORTED:
        import_module(name)
    control = socket.socket(fileno=0)
    with selectors.DefaultSelector() as events:
        events.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fileobj is control:
                    asked, files, *_ = socket.recv_fds(control, 1 << 20, 3)
                    if not asked:
                        return
                    pid = os.fork() or _become(json.loads(asked), *files)
                    for file in files[1:]:
                        os.close(file)
                    connection = socket.socket(fileno=files[0])
                    connection.send(str(pid).encode())
                    events.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))
                else:
                    events.unregister(key.fileobj)
                    os.close(key.fd)
                    pid, connection = key.data
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    with suppress(BrokenPipeError), connection:
                        connection.send(str(status).encode())


def _become(asked: dict[str, Any], connection: int, stdout: int, stderr: int) -> int:
    """Be the command from here on; never returns."""
    status: object = 1
    try:
        os.close(connection)
        for file, place in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (stderr, 2)):
            os.dup2(file, place)
            os.close(file)
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.orig_argv = [sys.executable, "-m", "app", *asked["arguments"]]
        random.seed()
        status = import_module("app.__main__").main(asked["arguments"])
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)
