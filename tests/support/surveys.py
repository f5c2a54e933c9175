"""Rows for tests of the survey: media with boxes, without any model."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from app.settings import Settings
from app.survey.database import Survey, open_survey
from app.survey.decisions.kinds import TABLES
from app.survey.detections import results
from app.survey.detections.boxes import rescore
from app.survey.media import imports
from app.survey.tables.media import ListedFile, Media, Stage
from modal_backend.contracts import Box, Category, Detection, Provenance

DETECTOR = Provenance("embedded", "pocket-detector", "test", "0" * 64, "test")
LOCAL = Provenance("embedded", "rapid", "test", "", "test")
START = datetime(2024, 3, 12, 5, 41)


def found(confidence: float = 0.9, x: float = 0.2, category: Category = Category.ANIMAL) -> Detection:
    """A box a detector could have found."""
    return Detection(category, confidence, Box(x, 0.3, 0.3, 0.4))


def add_media(
    survey: Survey,
    boxes: list[Detection] | None = None,
    *,
    folder: str = "Ridge 1",
    minutes: float | None = 0.0,
    name: str | None = None,
) -> tuple[int, list[int]]:
    """One analysed media; returns its id and the ids of its detections."""
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root="/card", label="card")
        number = session.query(Media).count() + 1
        path = f"{folder}/{name or f'IMG_{number:04d}.JPG'}"
        media = Media(
            sha256=f"{number:064x}",
            format="jpeg",
            bytes=1000,
            width=1600,
            height=1200,
            taken_at=START + timedelta(minutes=minutes) if minutes is not None else None,
            deployment_id=imports.deployment_for(session, batch, path),
            stage=Stage.READY,
        )
        session.add(media)
        session.flush()
        session.add(ListedFile(import_id=batch.id, path=path, media_id=media.id, outcome="new", bytes=1000))
        version = results.model_version(session, "detect", DETECTOR, 0.5)
        ids = results.store_analysis(session, media.id, version, None, boxes or [])
        rescore(session, [media.id])
        return media.id, ids


def describe(survey: Survey, detection_id: int, seed: int, provenance: Provenance = LOCAL) -> None:
    """Give a detection SIFT-like features drawn from a seed."""
    from modal_backend.contracts import LocalFeatures

    random = np.random.default_rng(seed)
    features = LocalFeatures(
        points=random.uniform(0, 200, (40, 4)).astype(np.float32),
        descriptors=random.integers(0, 255, (40, 128), dtype=np.uint8),
        width=224,
        height=160,
    )
    with survey.write() as session:
        version = results.model_version(session, "local features", provenance)
        results.store_feature(session, detection_id, version, Box(0.2, 0.3, 0.3, 0.4), features, None)


def everything(survey: Survey) -> dict[str, list[str]]:
    """All rows of the tables a person's decisions touch, and the media with their scores."""
    with survey.read() as session:
        tables = [*(table.__table__ for table in TABLES.values()), Media.__table__]
        return {table.name: sorted(map(repr, session.execute(sa.select(table)))) for table in tables}


def migrated(migrate: Callable[[Survey], None]) -> Callable[[Survey], None]:
    """What brings a survey up to date, with the file of a new one copied instead of made by every migration again."""

    @cache
    def new() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            made = Survey(f"sqlite:///{folder}/survey.sqlite", Path(folder))
            migrate(made)
            made.close()
            return Path(folder, "survey.sqlite").read_bytes()

    def bring_up(survey: Survey) -> None:
        path = Path(survey.url.removeprefix("sqlite:///"))
        if survey.url.startswith("sqlite") and path.parent.is_dir() and not path.exists():
            path.write_bytes(new())
        else:
            migrate(survey)

    return bring_up


def file_of(folder: Path, fill: Callable[[Survey], object]) -> Path:
    """The database file of a survey that `fill` has filled; copies of it are surveys of their own (see `copy_of`)."""
    survey = open_survey(Settings(PUGMARK_DATA_DIR=folder, PUGMARK_REVIEWER="ana", _env_file=None))
    fill(survey)
    survey.close()
    with sa.create_engine(f"sqlite:///{folder}/survey.sqlite").connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "survey.sqlite"


@contextmanager
def copy_of(file: Path) -> Iterator[Survey]:
    """A survey of its own with the content of another: every example of a property starts from one."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder) / "survey.sqlite")
        survey = Survey(f"sqlite:///{folder}/survey.sqlite", Path(folder))
        yield survey
        survey.close()
