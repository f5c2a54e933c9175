"""A program in a process of its own that need not import its libraries: it is forked from one that has done so.

A worker or a container imports for seconds what it works with for a tenth of one. Run by its path with the name of a
program this file is the process that waits, and forks.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import json
import os
import random
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
APP, CONTAINER, DASHBOARD = "app", "modal._container_entrypoint", "streamlit"
# A container imports our own modules from the files that were deployed: here are those of others only. A page's own
# modules announce their views to the server that runs, so each dashboard imports them itself.
IMPORTED = {
    APP: (
        "app.commands.imports",
        "app.commands.work",
        "app.jobs.worker",
        "modal_backend.models.detectors.pocket_detector",
        "modal_backend.models.loaders",
        "modal_backend.models.rapid.features",
    ),
    CONTAINER: (
        "modal._runtime.user_code_imports",
        "modal._runtime.task_lifecycle_manager",
        "cv2",
        "faiss",
        "onnxruntime",
        "PIL.Image",
        "safetensors.numpy",
        "scipy.ndimage",
        "sklearn",
        "torch",
    ),
    DASHBOARD: (
        "streamlit.web.bootstrap",
        "streamlit.web.cli",
        "uvicorn",
        "pandas",
        "pyarrow",
        "scipy.optimize",
        "scipy.special",
        "app.deps",
        "app.exchange.incoming.taking_over",
        "app.jobs.process",
        "app.web.demo",
        "app.web.guard",
        "app.web.routes",
        "app.web.services",
    ),
}
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_BEGINNING = threading.Lock()


class Forked:
    """A process as subprocess.Popen has it: its number, how it is ended, and its exit status."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = int(connection.recv(32))
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status once it has ended; minus the number of a signal that ended it.

        Raises:
            TimeoutExpired: it has not ended within `timeout` seconds.
        """
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = int(self._connection.recv(32))
            except TimeoutError as error:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from error
            self._connection.close()
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end; one that has ended already is passed over."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once; one that has ended already is passed over."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


Process = Forked | subprocess.Popen[bytes]


def start(
    program: str, arguments: list[str], env: Mapping[str, str], stdout: int, stderr: int, cwd: Path = ROOT
) -> Process:
    """`python -m PROGRAM ARGUMENTS`; where the system has no such fork as a person starts it.

    Args:
        program: APP, CONTAINER or DASHBOARD.
        env: its whole environment.
        stdout, stderr: numbers of open files that take what it prints.
    """
    if sys.platform != "linux":
        command = [sys.executable, "-m", program, *arguments]
        return subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        asked = json.dumps({"arguments": arguments, "env": dict(env), "cwd": str(cwd)}).encode()
        with _BEGINNING:
            waiting = _waiting(program)
        socket.send_fds(waiting, [asked], [there.fileno(), stdout, stderr])
    return Forked(here)


@cache
def _waiting(program: str) -> socket.socket:
    """What is written there is done by the process that forks; it ends with this one."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        subprocess.Popen([sys.executable, __file__, program], cwd=ROOT, stdin=there, stdout=subprocess.DEVNULL)
    return here


def _wait(control: socket.socket) -> dict[str, Any]:
    """Fork for each message, and answer with the number and the exit status; returns the message in each child."""
    events = selectors.DefaultSelector()
    events.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in events.select():
            if key.fileobj is control:
                asked, files, *_ = socket.recv_fds(control, 1 << 20, 3)
                if not asked:
                    sys.exit()
                if not (pid := os.fork()):
                    events.close()
                    return json.loads(asked) | {"files": files}
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


def _become(program: str, asked: dict[str, Any]) -> None:
    """Be `python -m PROGRAM` from here on, and end with the process that waits."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    connection, stdout, stderr = asked["files"]
    os.close(connection)
    for file, place in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (stderr, 2)):
        os.dup2(file, place)
        os.close(file)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.orig_argv = [sys.executable, "-m", program, *asked["arguments"]]
    sys.argv[1:] = asked["arguments"]
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    random.seed()
    status: object = 1
    try:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        status = None
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        traceback.print_exc()
    finally:  # libraries written in C would wait for threads at their end that a fork does not take along
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else status is not None)


if __name__ == "__main__":
    sys.path[0] = ""  # the folder in which the program runs, as with `python -m`
    for name in IMPORTED[sys.argv[1]]:
        import_module(name)
    gc.collect()
    gc.freeze()  # what is imported is looked at no more by the collections of those who are forked
    _become(sys.argv[1], _wait(socket.socket(fileno=0)))
