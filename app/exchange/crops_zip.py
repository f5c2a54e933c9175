"""The crops of one individual as a zip, with a table of its sightings; people in the way are made unrecognisable."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from app import files
from app.exchange import sightings_csv
from app.exchange.identifiers import ExportRefused
from app.exchange.progress import Report, unheard
from app.storage import shared
from app.survey.detections.blur import blurred_jpeg
from app.survey.detections.boxes import boxes, boxes_of
from app.survey.detections.people import people_inside
from app.survey.detections.results import crop_name
from app.survey.individuals.catalogue import individual
from app.survey.individuals.sightings import SightingView, sightings
from modal_backend.contracts import Box

AT_ONCE = 200


def write(
    session: Session, data_dir: Path, individual_id: int, out: Path, *, exact: bool = False, report: Report = unheard
) -> int:
    """Write the zip; returns the number of crops in it.

    Raises:
        ExportRefused: no crop picture is there yet.
    """
    animal = individual(session, individual_id)
    found = sightings(session, individual_id)
    folder, count, missing = files.name_of_text(animal.name, "individual"), 0, []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
        for start in range(0, len(found), AT_ONCE):
            report(start, len(found))
            for view, content in crops(session, data_dir, found[start : start + AT_ONCE]):
                if content is None:
                    missing.append(str(view.detection_id))
                    continue
                package.writestr(f"{folder}/{_file_name(folder, view)}", content)
                count += 1
        table = sightings_csv.table(session, individual_id, exact=exact)
        package.writestr(f"{folder}/sightings.csv", table, zipfile.ZIP_DEFLATED)
        if missing:
            text = "These detections have no crop picture yet: " + ", ".join(missing) + "\n"
            package.writestr(f"{folder}/not-included.txt", text)
    if not count:
        raise ExportRefused(f"No crop of {animal.name} has been cut yet: a worker does that. Try again in a moment.")
    return count


def crops(
    session: Session, data_dir: Path, views: Sequence[SightingView]
) -> Iterator[tuple[SightingView, bytes | None]]:
    """The crop of each sighting as JPEG, people in the way made unrecognisable; None where none is cut yet."""
    shown = boxes(session, [view.detection_id for view in views])
    beside = boxes_of(session, {view.media_id for view in views})
    for view in views:
        box = shown[view.detection_id]
        path = files.crop_path(data_dir, crop_name(box.id, box.box))
        inside = people_inside(box.box, beside[view.media_id])
        yield view, _without_people(path, inside) if shared.is_here(data_dir, path) else None


def _file_name(folder: str, view: SightingView) -> str:
    station = files.name_of_text(view.station or "", "no-station")
    return f"{folder}_{view.flank}_{files.name_of_time(view.taken_at)}_{station}_{view.detection_id}.jpg"


def _without_people(path: Path, people: Sequence[Box]) -> bytes:
    """The crop's file as it is, or with every part that shows a person blurred."""
    return blurred_jpeg(path, people) if people else path.read_bytes()
