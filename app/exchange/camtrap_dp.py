"""Camera Trap Data Package (Camtrap DP 1.0.2) with individualID filled: deployments, media and observations.

Source: camtrap-dp.tdwg.org, table schemas and profile 1.0.2. Persons are counted, and their boxes left out; files that
may show one are not public. Coordinates are rounded to 0.1 degree while a sensitive species may be in the survey.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange import camtrap_dp_individuals as individuals
from app.exchange.about import about
from app.exchange.camtrap_dp_events import with_events
from app.exchange.camtrap_dp_rows import MEDIA, OBSERVATIONS, Kept, kept_media, media_rows, observation_rows
from app.exchange.camtrap_dp_schema import write_table
from app.exchange.coordinates import coarse, may_be_exact, survey_species
from app.exchange.csv_text import identifiers_csv
from app.exchange.identifiers import ExportRefused
from app.exchange.progress import Report, counted, unheard
from app.exchange.safe_cells import kept_present
from app.survey.capture.effort import media_days
from app.survey.media.stamps import proposals
from app.survey.media.stations import DeploymentView, deployment_views
from app.survey.species_names.names import common_name
from app.survey.tables.media import Media

BASE = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2"
DEPLOYMENTS = (
    "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty", "deploymentStart",
    "deploymentEnd", "cameraID", "cameraModel", "timestampIssues", "baitUse", "deploymentGroups", "deploymentComments",
)  # fmt: skip
SAMPLING = ("simpleRandom", "systematicRandom", "clusteredRandom", "experimental", "targeted", "opportunistic")
METHODS = ("activityDetection", "timeLapse")
# Chapman & Wieczorek 2020, Georeferencing Best Practices: 0.1 degree precision is 15,691 m of uncertainty at most.
COARSE_METRES = 15_691


@dataclass(frozen=True, slots=True)
class Statement:
    """What only a person knows: the project's title, how stations were chosen, what triggers, the cameras' zone.

    media_url: the address under which the media lie, in folders as they were taken in; None when they stay here.
    """

    title: str
    sampling: str
    method: str
    utc_offset: str | None
    media_url: str | None = None


def write(
    session: Session,
    out: Path,
    statement: Statement,
    who: str,
    *,
    exact: bool = False,
    report: Report = unheard,
    settings: Mapping[str, str] | None = None,
) -> int:
    """Write the package; returns the number of observations.

    Args:
        settings: what was chosen, in words, for its README.

    Raises:
        ExportRefused: something is missing.
    """
    kept, used, places = _checked(session, statement)
    species = survey_species(session)
    rounded = not may_be_exact(session, asked=exact)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        rows = _deployment_rows(session, used, places, kept, rounded)
        write_table(package, "deployments", DEPLOYMENTS, rows)
        write_table(package, "media", MEDIA, counted(media_rows(session, kept), 4 * kept.media, report))
        individuals.write(session, package)
        count = write_table(package, "observations", OBSERVATIONS, with_events(observation_rows(session, kept, report)))
        package.writestr("datapackage.json", json.dumps(_package(statement, who, rows, species, rounded), indent=2))
        if changed := individuals.changed_names(session, used):
            package.writestr("identifiers.csv", identifiers_csv(changed))
        lines = about(session, exact=exact, left_out=[f"{text}." for text in kept.left_out], settings=settings)
        package.writestr("README.txt", _readme(kept, bool(changed)) + "\n".join(lines) + "\n")
    return count


def refusal(session: Session, statement: Statement) -> str:
    """Why the package cannot be written, in words; empty when it can."""
    try:
        _checked(session, statement)
    except ExportRefused as error:
        return str(error)
    return ""


def _checked(
    session: Session, statement: Statement
) -> tuple[Kept, list[DeploymentView], dict[int, tuple[float, float]]]:
    """Which media and deployments are written, and their places. Raises ExportRefused when something is missing."""
    if statement.sampling not in SAMPLING or statement.method not in METHODS:
        raise ExportRefused(
            f"Camtrap DP wants to know how stations were chosen ({', '.join(SAMPLING)}) and what the cameras recorded "
            f"({', '.join(METHODS)}): say it, Pugmark cannot know."
        )
    deployments = deployment_views(session)
    kept = kept_media(session, deployments, statement.utc_offset, statement.media_url)
    used = [deployment for deployment in deployments if deployment.id in kept.deployments]
    return kept, used, _check_places(used, media_days(session, used))


def _check_places(used: Sequence[DeploymentView], shown: Mapping[int, Any]) -> dict[int, tuple[float, float]]:
    undated = [view.name for view in used if not (view.first_day and view.last_day) and view.id not in shown]
    if undated:
        raise ExportRefused(
            f"The media of {', '.join(undated[:8])} bear only a date that cameras count from when their clock was not "
            "set. Correct the clock or fill in the days: Stations."
        )
    missing = [deployment.name for deployment in used if deployment.latitude is None or deployment.longitude is None]
    if missing:
        raise ExportRefused(
            f"Camtrap DP needs the coordinates of every deployment, and {', '.join(missing[:8])} "
            f"{'have' if len(missing) > 1 else 'has'} none. Fill them in: Stations."
        )
    return {deployment.id: (float(deployment.latitude or 0), float(deployment.longitude or 0)) for deployment in used}


def _deployment_rows(
    session: Session,
    used: Sequence[DeploymentView],
    places: dict[int, tuple[float, float]],
    kept: Kept,
    rounded: bool,
) -> list[tuple[Any, ...]]:
    shown, doubted, cameras = media_days(session, used), _doubted(session, used), _cameras(session)
    rows = []
    for deployment in used:
        first, last = deployment.first_day, deployment.last_day
        if not (first and last):
            first, last = shown[deployment.id]
        latitude, longitude = coarse(places[deployment.id], exact=not rounded)
        zone = kept.zones[deployment.id]
        comment = "" if deployment.first_day else "start and end are those of its media"
        station = kept_present(deployment.station)
        serial, model = cameras.get(deployment.id, (None, None))
        rows.append(
            (
                kept.deployments[deployment.id], station, station, latitude, longitude,
                COARSE_METRES if rounded else "",
                f"{_day(first)}T00:00:00{zone}", f"{_day(last)}T23:59:59{zone}",
                deployment.camera or serial, model, "true" if deployment.id in doubted else "false",
                "true" if deployment.bait else "", f"station:{deployment.station.replace('|', '/')}", comment,
            )
        )  # fmt: skip
    return rows


def _cameras(session: Session) -> dict[int, tuple[str | None, str | None]]:
    """Serial number and model of each deployment's camera, as its files say them."""
    columns = (Media.camera_serial, Media.camera_make, Media.camera_model)
    rows = session.execute(
        sa.select(Media.deployment_id, *(sa.func.max(column) for column in columns))
        .where(Media.deployment_id.is_not(None))
        .group_by(Media.deployment_id)
    )
    return {row[0]: (row[1], "-".join(part for part in row[2:] if part) or None) for row in rows if row[0] is not None}


def _doubted(session: Session, used: Sequence[DeploymentView]) -> set[int]:
    """The deployments whose clock was corrected, or shows another time in the pictures than in the files."""
    differing = {proposal.deployment_id for proposal in proposals(session) if proposal.different}
    corrected = sa.select(Media.deployment_id).where(Media.clock_seconds.is_not(None)).distinct()
    return {
        *differing,
        *(number for number in session.scalars(corrected) if number is not None),
        *(deployment.id for deployment in used if deployment.clock_offset_seconds),
    }


def _day(day: date | None) -> str:
    assert day is not None
    return day.isoformat()


def _package(
    statement: Statement,
    who: str,
    rows: Sequence[Sequence[Any]],
    species: Sequence[str],
    rounded: bool,
) -> dict[str, Any]:
    points = sorted({(row[4], row[3]) for row in rows})
    return {
        "resources": [
            {
                "name": name, "path": f"{name}.csv", "profile": "tabular-data-resource", "format": "csv",
                "mediatype": "text/csv", "encoding": "utf-8", "schema": f"{BASE}/{name}-table-schema.json",
            }
            for name in ("deployments", "media", "observations")
        ] + [individuals.RESOURCE],
        "profile": f"{BASE}/camtrap-dp-profile.json",
        "name": "pugmark-survey",
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "title": statement.title,
        "contributors": [{"title": who, "role": "contributor"}],
        "sources": [{"title": "Pugmark"}],
        "project": {
            "title": statement.title, "samplingDesign": statement.sampling, "captureMethod": [statement.method],
            "individualAnimals": True, "observationLevel": ["media", "event"],
        },
        **({"coordinatePrecision": 0.1} if rounded else {}),
        "spatial": {"type": "MultiPoint", "coordinates": [list(point) for point in points]},
        "temporal": {
            "start": min(str(row[6])[:10] for row in rows), "end": max(str(row[7])[:10] for row in rows),
        },
        "taxonomic": [
            {"scientificName": name, "vernacularNames": {"en": common_name(name) or name}} for name in species
        ],
    }  # fmt: skip


def _readme(kept: Kept, changed: bool) -> str:
    lines = [
        "Camera Trap Data Package 1.0.2, written by Pugmark.",
        "individualID is the individual's name, decided by the person in classifiedBy.",
        "An observation of level media is one box on one image; images judged blank have one of type blank.",
        "One of level event sums up the images closer than the event gap: every individual once, and of the others as "
        "many as were on one image at once. Use one level at a time.",
        "Persons are counted, without their boxes.",
        f"filePath is the address of the file below {kept.media_url}; filePublic is false where it may show a person."
        if kept.media_url
        else "filePath is the path the file was taken in under; the files stay where they are and are not public.",
        "individuals.csv is the catalogue: species, sex, life stage and days of every individual that was named.",
        f"Detector: {kept.classifier or 'none'}; its boxes count from a confidence of {kept.threshold}.",
    ]
    if changed:
        lines.append("identifiers.csv lists the names that are written with an apostrophe in front.")
    return "\n".join(lines) + "\n"
