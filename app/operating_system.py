"""What differs between operating systems. Nothing else in app/ asks which one it runs on."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

# Milliseconds by which a process may seem younger or older after the clock was set: rather take a dead one for living.
CLOCK_MAY_MOVE = 600_000
# By so much nicer are threads that nobody waits for: they get a quarter of a core that somebody else wants.
BEHIND = 5


def own_group() -> dict[str, Any]:
    """Arguments of Popen that keep a Ctrl+C meant for this process from its child."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def keep_files_private() -> None:
    """What this process and its children make from now on is for this user alone (Windows: as the folder says)."""
    os.umask(0o077)


def step_behind() -> None:
    """From now on this thread, and those it starts, let others go first; on Windows and macOS the whole process does.

    Nothing happens where the system refuses it.
    """
    try:
        if sys.platform == "linux":
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + BEHIND)
        elif sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            psutil.Process().nice(BEHIND)
    except (OSError, psutil.Error):
        return


def limit_addresses(most: int) -> None:
    """Refuse this process more than so many bytes of addresses, where the system can: only Linux does."""
    if psutil.LINUX:
        psutil.Process().rlimit(psutil.RLIMIT_AS, (most, most))


def ask_myself_to_stop() -> None:
    """Run this process's handler of SIGTERM, from any thread."""
    if sys.platform == "win32":  # os.kill ends the process there at once, without its handler
        signal.raise_signal(signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)


def begin_anew() -> None:
    """Run this process's command once more in its place; on Windows it ends, and whoever watches starts it again."""
    if sys.platform == "win32":
        os._exit(1)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def family(pid: int) -> list[psutil.Process]:
    """A process and all it has started, as long as they live; itself first."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def end_by_force(processes: list[psutil.Process]) -> None:
    """End these at once, the first one last; those that have ended already are passed over."""
    for process in reversed(processes):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def process_mark() -> str:
    """A word for this process that no other, before or after it, on this machine or another, has."""
    return f"{socket.gethostname()}~{os.getpid()}~{round(psutil.Process().create_time() * 1000)}"


def process_lives(mark: str) -> bool | None:
    """Whether the process of a mark still lives; None when it ran on another machine."""
    host, _, rest = mark.partition("~")
    pid, _, created = rest.partition("~")
    if host != socket.gethostname() or not (pid.isdigit() and created.isdigit()):
        return None
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() * 1000 - int(created)) < CLOCK_MAY_MOVE
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def users_of(path: Path) -> list[str]:
    """Other processes that have a file open, as far as this user may see: "python (process 4711)"."""
    found = []
    for process in psutil.process_iter(["name", "open_files"]):
        files = process.info["open_files"] or ()
        if process.pid != os.getpid() and any(Path(file.path) == path for file in files):
            found.append(f"{process.info['name']} (process {process.pid})")
    return found


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; not possible, nor needed, on Windows."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def mounts() -> list[Path]:
    """Where memory cards and other disks appear: on Windows as drives."""
    if sys.platform == "win32":
        drives = [Path(part.mountpoint) for part in psutil.disk_partitions()]
        return [drive for drive in drives if drive.drive != Path.home().drive]
    return [Path("/media"), Path("/mnt"), Path("/Volumes")]


def user_name() -> str:
    """Who is logged in; "reviewer" where the system does not know (a container without users)."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return "reviewer"
