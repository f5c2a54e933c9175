"""What doctor finds out about the machine itself: disk, clock and port."""

from __future__ import annotations

import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from app.settings import Settings
from app.storage.errors import StorageAway, StorageError
from app.storage.shared import Storage
from app.survey.database import open_survey
from app.survey.tables.calls import Call
from app.survey.tables.decisions import Decision

SCARCE_BYTES = 2_000_000_000
AHEAD_SECONDS = 300
PORT = 8501  # Streamlit's own choice


@dataclass(frozen=True, slots=True)
class Finding:
    """State of one thing: ready, configured (not tried), weights there or missing, not configured, not deployed,
    unreachable, refused, unavailable, scarce, wrong or in use.
    """

    name: str
    task: str
    state: str
    reason: str = ""
    remedy: str = ""
    sha256: str = ""


def disk(folder: Path) -> Finding:
    """How much the data folder's disk has left."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    usage = shutil.disk_usage(there)
    reason = f"{usage.free / 1e9:.1f} of {usage.total / 1e9:.1f} GB free for {folder}"
    if usage.free < SCARCE_BYTES:
        return Finding(
            "disk", "store", "scarce", reason, "Free some space, or let PUGMARK_DATA_DIR name a larger disk."
        )
    return Finding("disk", "store", "ready", reason)


def media(settings: Settings) -> Finding:
    """Where the files of media lie; whether a storage can be written to, and how much the copies here take."""
    if not settings.media_url:
        return Finding("media storage", "store", "ready", f"media lie in {settings.data_dir} alone")
    storage = Storage(settings.media_url, settings.data_dir)
    copies = sum(size for _, size, _ in storage.copies()) / 1e9
    reason = f"{settings.media_url}; copies in {settings.data_dir} take {copies:.2f} GB"
    try:
        storage.probe()
    except StorageError as error:
        state = "unreachable" if isinstance(error, StorageAway) else "refused"
        return Finding("media storage", "store", state, f"{error} {reason}", error.remedy)
    return Finding("media storage", "store", "ready", reason)


def clock(settings: Settings) -> Finding:
    """Whether the clock is behind what the survey has seen: times of decisions would be wrong, and work would wait."""
    now = time.time()
    try:
        with open_survey(settings, reading=True).read() as session:
            latest = max(
                session.scalar(sa.select(sa.func.max(column))) or 0.0
                for column in (Decision.decided_at, Call.queued_at)
            )
    except (sa.exc.SQLAlchemyError, OSError) as error:
        return Finding("clock", "time", "configured", f"not compared with the survey ({type(error).__name__})")
    shown = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(now))
    if latest > now + AHEAD_SECONDS:
        hours = (latest - now) / 3600
        return Finding("clock", "time", "wrong", f"{shown}, {hours:.1f} h before the newest entry", "Set the clock.")
    return Finding("clock", "time", "ready", shown)


def port(number: int = PORT) -> Finding:
    """Whether the dashboard's usual port is free."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", number))
        except OSError:
            remedy = f"If that is not Pugmark, start it with --server.port {number + 1}."
            return Finding(f"port {number}", "dashboard", "in use", "Another program listens there.", remedy)
    return Finding(f"port {number}", "dashboard", "ready", "free")
