"""Write what an import found: batches, listed files, media, deployments. Every function is safe to run twice."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.media import claims, remarks
from app.survey.media.folders import (
    CAMERA_OF_PAIR,
    CAMERAS_A_STATION,
    card_name,
    composed,
    is_nameless_card,
    is_on_card,
    place_in_chosen,
    place_of,
)
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import OPEN_STAGES, ImportBatch, ImportState, ListedFile, Media, Outcome, Stage
from app.survey.tables.videos import Video

NAMED_STATIONS = 2  # in the name of an upload
LONGEST_NAME = 1024
FILES_COMPARED = 1000


class CardWithoutName(Exception):
    """A memory card is to be imported whose folder does not say what to call its deployment."""


def start_import(session: Session, *, kind: str, root: str, label: str, **values: Any) -> ImportBatch:
    """A new import; or the earlier one of the same root, made ready to run (again), while the same card is there.

    values: deployment_rule ("folder", "chosen": below the first folder, "fixed" or "none"), deployment_id, names_in,
    synthetic.
    """
    of_root = sa.select(ImportBatch).where(ImportBatch.root == root).order_by(ImportBatch.id.desc()).limit(1)
    batch = session.scalar(of_root)
    if batch is None or (batch.state == ImportState.DONE and _is_another_card(session, batch)):
        batch = ImportBatch(kind=kind, root=root, label=label, state=ImportState.QUEUED, **values)
        session.add(batch)
    else:
        run_again(batch, **values)
    session.flush()
    return batch


def run_again(batch: ImportBatch, **values: Any) -> None:
    """Make an import that has ended ready for another attempt. values: see `start_import`."""
    if batch.state not in (ImportState.DONE, ImportState.FAILED):
        return
    batch.state, batch.attempt, batch.error = ImportState.QUEUED, batch.attempt + 1, None
    batch.started_at = batch.finished_at = None
    batch.listed = None
    for name, value in values.items():
        setattr(batch, name, value)


def _is_another_card(session: Session, batch: ImportBatch) -> bool:
    """Whether files that an import listed are gone from its root or have another size or time by now."""
    listed = sa.select(ListedFile.path, ListedFile.bytes, ListedFile.modified).where(
        ListedFile.import_id == batch.id, ListedFile.modified.is_not(None), ListedFile.media_id.is_not(None)
    )
    for path, size, modified in session.execute(listed.order_by(ListedFile.id).limit(FILES_COMPARED)):
        if batch.kind == "folder" and ".zip/" in path.lower():
            continue
        try:
            status = os.stat(Path(batch.root) / path if batch.kind == "folder" else batch.root)
        except (OSError, ValueError):
            return True
        if status.st_mtime_ns != modified or (batch.kind != "zip" and status.st_size != size):
            return True
    return False


def import_of_path(
    session: Session,
    root: Path,
    deployment_id: int | None = None,
    *,
    names_in: str | None = None,
    synthetic: bool = False,
) -> ImportBatch:
    """An import of a folder, a zip or one picture on this machine; its files join one deployment or their folders'.

    Raises:
        CardWithoutName: nothing says which deployment the files of a card belong to.
    """
    if deployment_id is None and not synthetic and is_nameless_card(root):
        raise CardWithoutName("Nothing says where this memory card was: name its deployment.")
    kind = "folder" if root.is_dir() or synthetic else "zip" if root.suffix.lower() == ".zip" else "file"
    label = card_name(root) if kind == "folder" else root.stem
    return start_import(
        session,
        kind=kind,
        root=str(root),
        label=label or str(root),
        deployment_rule="fixed" if deployment_id else "folder",
        deployment_id=deployment_id,
        names_in=names_in,
        synthetic=synthetic,
    )


def begin(session: Session, import_id: int) -> ImportBatch:
    """Mark an import as running."""
    batch = session.get_one(ImportBatch, import_id)
    batch.state, batch.started_at, batch.error = ImportState.RUNNING, batch.started_at or time.time(), None
    return batch


def finish(session: Session, import_id: int, *, error: str | None = None) -> None:
    """Mark an import as done, or as failed with the reason."""
    batch = session.get_one(ImportBatch, import_id)
    batch.state = ImportState.FAILED if error else ImportState.DONE
    batch.error, batch.finished_at = error, time.time()
    counts = outcomes(session, import_id)
    batch.new_files, batch.duplicate_files = counts[Outcome.NEW], counts[Outcome.DUPLICATE]
    batch.refused_files, batch.left_out_files = counts[Outcome.REFUSED], counts[Outcome.LEFT_OUT]
    batch.damaged_files = remarks.count(session, import_id, remarks.Remark.DAMAGED)
    batch.untimed_files = remarks.count(session, import_id, remarks.Remark.UNTIMED)
    batch.unplaced_files = remarks.count(session, import_id, remarks.Remark.UNPLACED)
    batch.displaced_files = remarks.count(session, import_id, remarks.Remark.DISPLACED)
    batch.clock_files = remarks.count(session, import_id, remarks.Remark.CLOCK)
    if batch.kind == "upload":
        batch.label = _name_of_upload(session, batch, sum(counts.values()))


def _name_of_upload(session: Session, batch: ImportBatch, files: int) -> str:
    """An upload by its day, stations and number of files: "28 Nov 2026 · Ridge 1, Ford 2 · 56 files"."""
    of_it = sa.select(Media.deployment_id).join(ListedFile).where(ListedFile.import_id == batch.id).distinct()
    named = sa.select(Deployment.station).where(Deployment.id.in_(of_it)).distinct().order_by(Deployment.station)
    stations = list(session.scalars(named))
    where = ", ".join(stations[:NAMED_STATIONS])
    if len(stations) > NAMED_STATIONS:
        where += f" and {len(stations) - NAMED_STATIONS} more"
    day = datetime.fromtimestamp(batch.created_at)
    parts = (f"{day.day} {day:%b %Y}", where or "no station", "1 file" if files == 1 else f"{files:,} files")
    return " · ".join(parts)[:255]


def give_up(session: Session, import_id: int, reason: str) -> None:
    """What an import has not finished has failed, with the reason; not what another open import waits for, too."""
    listed = sa.select(ListedFile.media_id)
    mine = listed.where(ListedFile.import_id == import_id)
    others = listed.where(ListedFile.import_id.in_(open_imports(session)), ListedFile.media_id.is_not(None))
    unfinished = sa.and_(Media.id.in_(mine), Media.stage.in_(OPEN_STAGES))
    failed = {"stage": Stage.FAILED, "failure": reason}
    session.execute(sa.update(Media).where(unfinished, Media.id.not_in(others)).values(**failed))
    claims.release_failed(session)


def open_imports(session: Session) -> list[int]:
    """Ids of the imports that wait or run."""
    open_states = [ImportState.QUEUED, ImportState.RUNNING]
    return list(session.scalars(sa.select(ImportBatch.id).where(ImportBatch.state.in_(open_states))))


def reopen_failed(session: Session, import_id: int | None = None) -> list[int]:
    """Media whose analysis failed or was stopped wait for it again: those of an import, or all.

    Returns:
        Ids of the images among them. A video with a summary waits for its crops only.
    """
    claims.release_failed(session)
    failed = [Media.stage == Stage.FAILED]
    if import_id is not None:
        failed.append(Media.id.in_(sa.select(ListedFile.media_id).where(ListedFile.import_id == import_id)))
    images = sorted(session.scalars(sa.select(Media.id).where(*failed, Media.kind == "image")))
    summarised = Media.id.in_(sa.select(Video.media_id).where(Video.run_id.is_not(None)))
    session.execute(sa.update(Media).where(*failed, summarised).values(stage=Stage.DETECTED, failure=None))
    session.execute(sa.update(Media).where(*failed).values(stage=Stage.STORED, failure=None))
    return images


def any_open(session: Session) -> bool:
    """Whether an import waits or runs."""
    return bool(open_imports(session))


def outcomes(session: Session, import_id: int) -> dict[str, int]:
    """How many of an import's files came to each outcome; every outcome is named."""
    rows = session.execute(
        sa.select(ListedFile.outcome, sa.func.count())
        .where(ListedFile.import_id == import_id)
        .group_by(ListedFile.outcome)
    )
    found = {row[0]: row[1] for row in rows}
    return {str(outcome): found.get(outcome, 0) for outcome in Outcome}


def known_paths(session: Session, import_id: int, files: Mapping[str, tuple[int | None, int | None]]) -> set[str]:
    """Which of these paths this import has settled with the size (bytes) and time (nanoseconds) that they have now."""
    settled = sa.select(ListedFile.path, ListedFile.bytes, ListedFile.modified).where(
        ListedFile.import_id == import_id, ListedFile.path.in_(files), ListedFile.media_id.is_not(None)
    )
    return {path for path, size, modified in session.execute(settled) if files[path] == (size, modified)}


def media_by_hash(session: Session, hashes: Collection[str]) -> dict[str, int]:
    """Ids of the media that are stored already, by content hash."""
    rows = session.execute(sa.select(Media.sha256, Media.id).where(Media.sha256.in_(hashes)))
    return {row.sha256: row.id for row in rows}


def list_file(session: Session, import_id: int, path: str, **values: Any) -> ListedFile:
    """Write down what became of one path. values: media_id, outcome, refusal, message, bytes, modified."""
    row = session.scalar(sa.select(ListedFile).where(ListedFile.import_id == import_id, ListedFile.path == path))
    if row is not None and row.media_id is not None and row.media_id != values.get("media_id"):
        row.path = f"{path} (before {datetime.now():%Y-%m-%d %H:%M:%S.%f})"  # another file is there now
        session.flush()
        row = None
    if row is None:
        row = ListedFile(import_id=import_id, path=path, **values)
        session.add(row)
    elif row.media_id is None:
        for name, value in values.items():
            setattr(row, name, value)
    else:
        row.bytes, row.modified = values.get("bytes"), values.get("modified")
    session.flush()
    return row


def deployment_for(session: Session, batch: ImportBatch, path: str) -> int | None:
    """The deployment a file belongs to under the import's rule; made when it is new."""
    if batch.deployment_rule == "fixed":
        return batch.deployment_id
    if batch.deployment_rule == "none":
        return None
    if batch.deployment_rule == "chosen":
        place = place_in_chosen(path)
    else:
        root, label = PurePath(batch.root), batch.label if batch.kind in ("folder", "zip") else ""
        on_card = batch.kind != "upload" and is_on_card(root)
        place = place_of(path, card=card_name(PurePath(label)), on_card=on_card)
    return deployment_named(session, place.deployment, place.station).id if place else None


def deployment_named(session: Session, name: str, station: str | None = None) -> Deployment:
    """The deployment with this name; made when there is none, at this station or one of its own name.

    A station has at most three cameras: with the fourth folder beside them each is a station of its own.
    """
    name = composed(name.strip())[:LONGEST_NAME]
    deployment = session.scalar(sa.select(Deployment).where(Deployment.name == name))
    if deployment is not None:
        return deployment
    station = composed((station or name).strip())[:LONGEST_NAME]
    if station != name:
        below = sa.select(Deployment).where(Deployment.name.startswith(f"{station}/", autoescape=True))
        beside = [row for row in session.scalars(below) if CAMERA_OF_PAIR.fullmatch(row.name[len(station) + 1 :])]
        if len(beside) >= CAMERAS_A_STATION:
            for other in beside:
                other.station = other.name if other.station == station else other.station
            station = name
    deployment = Deployment(name=name, station=station)
    session.add(deployment)
    session.flush()
    return deployment
