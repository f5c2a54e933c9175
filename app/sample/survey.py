"""Draws a whole survey into a folder and writes down the truth about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from app.sample.background import view
from app.sample.coat import Coat, cat_coat, deer_coat
from app.sample.light import Light
from app.sample.plan import Event, Visitor, station_name, survey_plan
from app.sample.plants import CAMERA_HEIGHT, Canvas
from app.sample.scene import Animal, photograph
from app.sample.skeleton import CAT, DEER, Pose
from app.sample.stamp import BAR, DESCRIPTION, QUALITY, Stamp, save, with_bar
from modal_backend.contracts import Category, Flank

WIDTH, HEIGHT = 1280, 960
OCEAN = (-31.5, 88.2)  # open water: nobody can take it for a real tiger site
LENGTH = {True: 2.75, False: 1.75}


@dataclass(frozen=True, slots=True)
class AnimalTruth:
    """An animal as it was drawn.

    Attributes:
        box: left, top, width, height in pixels of what is seen.
        identity: None for an unstriped animal.
    """

    box: tuple[int, int, int, int]
    identity: str | None
    flank: Flank


@dataclass(frozen=True, slots=True)
class PictureTruth:
    """A drawn picture and what is true of it.

    Attributes:
        file_name: below the survey's folder, with slashes.
        taken: camera-local.
        event: from 1.
    """

    file_name: str
    width: int
    height: int
    taken: datetime
    station: str
    event: int
    night: bool
    animals: tuple[AnimalTruth, ...]


@dataclass(frozen=True, slots=True)
class SampleTruth:
    """Everything known about a drawn survey; the same is in directory/truth.json as COCO."""

    directory: Path
    pictures: tuple[PictureTruth, ...]


@dataclass(frozen=True, slots=True)
class _Walk:
    """How a visitor crosses the picture during an event: where it starts, how far away, how it moves."""

    visitor: Visitor
    scale: float
    middle: float
    pace: float
    phase: float
    head: float
    yaw: float


def generate(
    directory: Path,
    *,
    seed: int = 7,
    individuals: int = 8,
    stations: int = 4,
    events: int = 24,
    pictures_per_event: int = 3,
    blanks: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> SampleTruth:
    """Draws a survey into `directory`: one folder of JPEG files a station, and truth.json (COCO).

    The same arguments give the same pictures.

    Args:
        blanks: single pictures without an animal. progress(done, total) is called after every picture.

    Raises:
        ValueError: for counts that make no survey.
    """
    if stations < 1 or pictures_per_event < 1 or min(individuals, events, blanks) < 0:
        raise ValueError("A survey needs at least one station and one picture an event, and no negative counts.")
    plan = survey_plan(
        _stream(seed, 0), individuals=individuals, stations=stations, events=events,
        pictures_per_event=pictures_per_event, blanks=blanks,
    )  # fmt: skip
    return draw(directory, plan, seed=seed, stations=stations, progress=progress)


def draw(
    directory: Path,
    plan: Sequence[Event],
    *,
    seed: int,
    stations: int,
    clocks: Mapping[int, timedelta] | None = None,
    quality: int = QUALITY,
    progress: Callable[[int, int], None] | None = None,
) -> SampleTruth:
    """Draws the pictures of a plan into `directory`, and truth.json.

    Args:
        clocks: how far the clock of a station is ahead of the true time.
        quality: of the JPEG files.
        progress: called with the pictures drawn and all of them after every picture.
    """
    total = sum(len(event.shots) for event in plan)
    pictures: list[PictureTruth] = []
    for station in range(stations):
        (directory / station_name(station)).mkdir(parents=True, exist_ok=True)
        scenery = station_view(seed, station)
        late = (clocks or {}).get(station, timedelta(0))
        number = 0
        for event in (e for e in plan if e.station == station):
            for taken in _burst(directory, seed, event, scenery, number, late, quality):
                pictures.append(taken)
                number += 1
                if progress is not None:
                    progress(len(pictures), total)
    truth = SampleTruth(directory, tuple(sorted(pictures, key=lambda p: (p.taken, p.file_name))))
    (directory / "truth.json").write_text(json.dumps(coco(truth), indent=1), encoding="utf-8")
    return truth


def station_view(seed: int, station: int) -> Canvas:
    """What the camera of a station sees when nobody is there."""
    kind = station_name(station).rsplit(" ", 1)[0]
    return view(_stream(seed, 1, station), kind, WIDTH, HEIGHT - BAR)


def _stream(seed: int, *path: int) -> np.random.Generator:
    return np.random.default_rng([seed, *path])


def coat_of(seed: int, visitor: Visitor) -> Coat:
    """The coat that a camera sees of a visitor."""
    if visitor.individual is None:
        return deer_coat(_stream(seed, 2, 0))
    return cat_coat(_stream(seed, 2, visitor.individual, 1 + (visitor.flank is Flank.RIGHT)))


def _walk(rng: np.random.Generator, visitor: Visitor, place: int) -> _Walk:
    typical = 0.45 if visitor.individual is not None else 0.30
    share = float(np.clip(rng.lognormal(np.log(typical), 0.32), 0.16, 0.62))
    if place > 0:
        share = float(np.clip(share, 0.18, 0.30))
    length = LENGTH[visitor.individual is not None]
    walks = 1 if visitor.flank is Flank.RIGHT else -1
    middle = WIDTH * (0.5 - walks * rng.uniform(0.02, 0.22) + 0.24 * place * rng.choice((-1, 1)))
    metres = rng.uniform(0.18, 0.36)
    return _Walk(
        visitor, share * WIDTH / length, float(middle), float(walks * metres), float(rng.random()),
        float(rng.uniform(-0.42, 0.14)), float(rng.uniform(0.86, 1.0)),
    )  # fmt: skip


def _animal(walk: _Walk, coat: Coat, seconds: int, rng: np.random.Generator, night: bool, horizon: float) -> Animal:
    striped = walk.visitor.individual is not None
    pose = Pose(
        (walk.phase + 0.37 * seconds) % 1.0, walk.head + float(rng.normal(0, 0.05)),
        float(rng.uniform(0, 0.02)), float(rng.uniform(-0.3, 1.0)),
    )  # fmt: skip
    smear = float(rng.uniform(3, 8)) if night and rng.random() < 0.25 else 0.0
    return Animal(
        CAT if striped else DEER, coat, pose, walk.middle + walk.pace * walk.scale * seconds,
        horizon + walk.scale * CAMERA_HEIGHT, walk.visitor.flank is Flank.RIGHT, walk.yaw, smear,
    )  # fmt: skip


def _burst(
    directory: Path, seed: int, event: Event, scenery: Canvas, done: int, late: timedelta, quality: int
) -> list[PictureTruth]:
    rng = _stream(seed, 3, event.number)
    station = station_name(event.station)
    low = abs(event.start.hour + event.start.minute / 60 - 12) / 6
    light = Light(event.night, (float(rng.choice((-0.6, 0.6))), 0.8, 0.6), float(np.clip(low, 0, 1)))
    walks = [_walk(rng, visitor, i) for i, visitor in enumerate(event.visitors)]
    coats = [coat_of(seed, visitor) for visitor in event.visitors]
    celsius = int(15 + 9 * np.cos((event.start.hour - 14) / 24 * 2 * np.pi) + rng.integers(-2, 3))
    latitude, longitude = place(seed, event.station)
    pictures = []
    for i, seconds in enumerate(event.shots):
        animals = [_animal(w, c, seconds, rng, event.night, scenery.horizon) for w, c in zip(walks, coats, strict=True)]
        scene, boxes = photograph(scenery, animals, light, rng)
        taken = event.start + late + timedelta(seconds=seconds)
        name = f"{station}/IMG_{done + i + 1:04d}.JPG"
        serial = f"PMS-{seed:03d}{event.station + 1:03d}"
        stamp = Stamp(station, taken, celsius, latitude, longitude, serial, event.night)
        save(with_bar(scene, stamp), directory / name, stamp, quality)
        truth = tuple(
            AnimalTruth((b[0], b[1], b[2] - b[0], b[3] - b[1]), identity(v), v.flank)
            for b, v in zip(boxes, event.visitors, strict=True)
            if b is not None
        )
        pictures.append(PictureTruth(name, WIDTH, HEIGHT, taken, station, event.number, event.night, truth))
    return pictures


def place(seed: int, station: int) -> tuple[float, float]:
    """Latitude and longitude of a station in degrees; neighbours are 3 to 6 km apart."""
    north, east = _stream(seed, 4, station).uniform(-0.007, 0.007, 2)
    return OCEAN[0] + 0.035 * station + float(north), OCEAN[1] + 0.022 * (-1) ** station + float(east)


def identity(visitor: Visitor) -> str | None:
    """The name of an individual, such as "Stripe-03"."""
    return None if visitor.individual is None else f"Stripe-{visitor.individual:02d}"


def coco(truth: SampleTruth) -> dict[str, object]:
    """The truth as a COCO document; boxes are left, top, width, height in pixels."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, p in enumerate(truth.pictures, 1):
        images.append(
            {
                "id": number, "file_name": p.file_name, "width": p.width, "height": p.height,
                "datetime": p.taken.isoformat(), "station": p.station, "event": p.event,
            }
        )  # fmt: skip
        for a in p.animals:
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": list(a.box),
                    "area": a.box[2] * a.box[3], "iscrowd": 0, "identity": a.identity, "flank": a.flank.value,
                }
            )  # fmt: skip
    return {
        "info": {"description": DESCRIPTION},
        "categories": [{"id": 1, "name": Category.ANIMAL.value}],
        "images": images,
        "annotations": annotations,
    }
