"""The sample that ships: its files are what the generator draws, and its team's decisions give every page a story."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path

import av
import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from app.sample import shipped, shipped_plan, team
from app.sample.film import frames
from app.sample.plan import station_name
from app.sample.survey import draw
from app.survey.decisions import undoing
from app.survey.detections import results
from app.survey.individuals.flank_proposals import flank_report
from app.survey.individuals.plausibility import TOO_FAST, report
from app.survey.media import events, imports
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment, DeploymentReview
from app.survey.tables.individuals import Individual, Sighting
from app.survey.tables.media import ListedFile, Media, Stage
from modal_backend.contracts import Box, Category, Detection
from tests.support.surveys import DETECTOR

MOST_BYTES = 10_000_000


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), np.int16)


def test_the_shipped_files_are_small_and_all_are_in_the_plan():
    files = [path for path in shipped.FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    pictures = {path.relative_to(shipped.FOLDER).as_posix() for path in files if path.suffix == ".JPG"}
    assert pictures == {image["file_name"] for image in shipped.truth()["images"]}
    assert sum(path.suffix == ".MP4" for path in files) == len(shipped_plan.FILMS)
    assert len(pictures) == sum(len(event.shots) for event in shipped_plan.events())


def test_a_shipped_picture_is_what_the_generator_draws(tmp_path):
    first = next(event for event in shipped_plan.events() if event.station == 2)
    draw(tmp_path, [first], seed=shipped_plan.SEED, stations=3, clocks=shipped_plan.CLOCKS, quality=shipped.QUALITY)
    name = f"{station_name(2)}/IMG_0001.JPG"
    assert np.abs(pixels(tmp_path / name) - pixels(shipped.FOLDER / name)).mean() < 1


def test_a_shipped_video_is_what_the_generator_draws():
    film = shipped_plan.FILMS[0]
    with av.open(str(shipped.FOLDER / station_name(film.station) / "VID_0001.MP4")) as container:
        still = next(itertools.islice(container.decode(video=0), 30, None)).to_ndarray(format="rgb24")
    drawn = next(frames(film, shipped_plan.SEED, 30, 31))
    assert np.abs(drawn.astype(np.int16) - still).mean() < 6


@pytest.fixture
def loaded(survey):
    """The sample's pictures as a perfect detector would leave them; returns the survey and its import."""
    truth = shipped.truth()
    with survey.write() as session:
        batch = imports.start_import(session, kind="folder", root="/sample", label="sample", synthetic=True)
        version = results.model_version(session, "detect", DETECTOR, 0.5)
        for image in truth["images"]:
            media = Media(
                sha256=f"{image['id']:064x}", format="jpeg", bytes=1, width=image["width"], height=image["height"],
                taken_at=datetime.fromisoformat(image["datetime"]), synthetic=True, stage=Stage.READY,
                deployment_id=imports.deployment_for(session, batch, image["file_name"]),
            )  # fmt: skip
            session.add(media)
            session.flush()
            deployment = session.get_one(Deployment, media.deployment_id)
            deployment.latitude, deployment.longitude = _place(image["station"])
            session.add(ListedFile(import_id=batch.id, path=image["file_name"], media_id=media.id, outcome="new"))
            drawn = [a["bbox"] for a in truth["annotations"] if a["image_id"] == image["id"]]
            wide, high = image["width"], image["height"]
            boxes = [Box(x / wide, y / high, w / wide, h / high) for x, y, w, h in drawn]
            results.store_analysis(
                session, media.id, version, None, [Detection(Category.ANIMAL, 0.8, box) for box in boxes]
            )
        events.regroup(session, set(session.scalars(sa.select(Media.deployment_id))), 60)
    return survey, batch.id


def _place(station: str) -> tuple[float, float]:
    from app.sample.survey import place

    return place(shipped_plan.SEED, int(station.rsplit(" ", 1)[1]) - 1)


def test_the_team_leaves_a_flank_to_join_a_conflict_and_a_corrected_clock_and_signs_everything(loaded):
    survey, import_id = loaded
    assert team.decide(survey, import_id) > 50
    with survey.read() as session:
        assert {decision.who for decision in session.scalars(sa.select(Decision))} == {team.TEAM}
        names = {row.id: row.name for row in session.scalars(sa.select(Individual))}
        joins = flank_report(session).proposals
        assert [(names[join.left.individual_id], names[join.right.individual_id]) for join in joins] == [
            ("Stripe-03", "Stripe-03 (right flank)")
        ]
        assert [conflict.kind for conflict in report(session).conflicts] == [TOO_FAST]
        assert session.scalar(sa.select(DeploymentReview.clock_offset_seconds)) == 12 * 3600
        stations = sa.select(Media.deployment_id).join(_detections()).join(Sighting).distinct()
        assert len(list(session.scalars(stations))) == 2
        left = sa.select(sa.func.count()).select_from(_detections()).outerjoin(Sighting)
        assert session.scalar(left.where(Sighting.detection_id.is_(None))) > 10


def _detections():
    from app.survey.tables.detections import Detection as Row

    return Row


def test_the_team_decides_once_leaves_what_a_person_decided_and_can_be_undone(loaded):
    survey, import_id = loaded
    team.decide(survey, import_id)
    assert team.decide(survey, import_id) == 0
    with survey.write() as session:
        first = session.scalar(sa.select(Decision).order_by(Decision.id))
        undoing.undo_back_to(session, first.id, "ana")
        assert session.scalar(sa.select(sa.func.count()).select_from(Sighting)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Individual)) == 0
