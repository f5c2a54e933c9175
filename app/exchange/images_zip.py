"""The survey's images sorted into folders by species or by individual, as files that may leave the survey.

Whoever may be a person is blurred. Unless exact places may leave, no file keeps a place in its metadata.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from PIL import ExifTags, Image
from sqlalchemy.orm import Session

from app.exchange.coordinates import may_be_exact
from app.exchange.csv_text import csv_text
from app.exchange.identifiers import ExportRefused
from app.exchange.listed import blank_among, media_in_parts, media_paths, station_of_each
from app.exchange.progress import Report, unheard
from app.files import name_of_text, name_of_time
from app.storage import shared
from app.survey.detections.blur import blurred_jpeg
from app.survey.detections.boxes import BoxView, boxes_of
from app.survey.detections.people import HIDDEN_FROM, hides_person
from app.survey.detections.results import threshold_of
from app.survey.individuals.species import species_of
from app.survey.media import browse
from app.survey.tables.media import Media, Stage
from modal_backend.contracts import Category

SORTED_BY = ("species", "individual")
AT_ONCE = 200
# EXIF 2.32: the maker's own block, comment and description, in which some cameras repeat the place.
MAKER_NOTE, USER_COMMENT, DESCRIPTION = 0x927C, 0x9286, 0x010E
HEADER = ("file", "original", "species", "individual", "station", "taken_at", "blurred")


def write(
    session: Session,
    data_dir: Path,
    out: Path,
    about: list[str],
    sorted_by: str,
    *,
    exact: bool = False,
    report: Report = unheard,
) -> int:
    """Write the zip, one image at a time; returns the number of files in it.

    An image with two species or individuals lies in both folders.

    Raises:
        ExportRefused: there is no image to write.
    """
    exact = may_be_exact(session, asked=exact)
    rows: list[tuple[object, ...]] = []
    left_out: Counter[str] = Counter()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
        for media, station, boxes, folders in _sorted(session, sorted_by, left_out, report):
            people = [box.box for box in boxes if hides_person(box)]
            try:
                path = shared.original(data_dir, media.sha256)
                content, suffix = (blurred_jpeg(path, people), ".jpg") if people else _without_place(path, exact=exact)
            except OSError:
                left_out["whose file cannot be read"] += 1
                continue
            name = f"{name_of_text(station or '', 'no-station')}_{name_of_time(media.taken_at)}_{media.id}{suffix}"
            original = media_paths(session, {media.id}).get(media.id)
            for folder, (species, individual) in folders.items():
                package.writestr(f"{folder}/{name}", content)
                rows.append((f"{folder}/{name}", original, species, individual, station, _at(media), bool(people)))
        package.writestr("files.csv", csv_text(HEADER, rows), zipfile.ZIP_DEFLATED)
        package.writestr("README.txt", "\n".join([*_readme(sorted_by, left_out, exact), *about]) + "\n")
    if not rows:
        why = "; ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
        raise ExportRefused(f"No image can be sorted by {sorted_by}. Left out: {why or 'there is no image'}.")
    return len(rows)


def _at(media: Media) -> str | None:
    return media.taken_at.isoformat() if media.taken_at else None


def _sorted(
    session: Session, sorted_by: str, left_out: Counter[str], report: Report
) -> Iterator[tuple[Media, str | None, list[BoxView], dict[str, tuple[str | None, str | None]]]]:
    """Each image that is written, its station, its boxes, and its folders with species and individual."""
    threshold, known, stations = threshold_of(browse.detector(session)), species_of(session), station_of_each(session)
    done = 0
    total = session.scalar(sa.select(sa.func.count(Media.id))) or 0
    for part in media_in_parts(session, size=AT_ONCE):
        ids = [media.id for media in part]
        found, blanks = boxes_of(session, ids, floor=HIDDEN_FROM), blank_among(session, ids)
        for media in part:
            done += 1
            report(done, total)
            if media.kind != "image":
                left_out["that are videos"] += 1
            elif media.stage not in (Stage.DETECTED, Stage.READY):
                left_out["that are not analysed"] += 1
            else:
                boxes = [] if media.id in blanks else found[media.id]
                shown = [box for box in boxes if box.counts(threshold)]
                folders = _folders(shown, known, sorted_by)
                left_out["of nobody who is named"] += not folders
                if folders:
                    yield media, stations.get(media.deployment_id or 0), found[media.id], folders


def _folders(
    boxes: list[BoxView], known: dict[int, str | None], sorted_by: str
) -> dict[str, tuple[str | None, str | None]]:
    """Folder names of one image: of each individual, or of each species; else of what the boxes show, or blank."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for box in boxes:
        species = (box.species or known.get(box.individual_id or 0)) if box.category == Category.ANIMAL else None
        if sorted_by == "individual":
            if box.individual:
                name = name_of_text(box.individual, "individual")
                found[f"{name}-{box.individual_id}"] = (species, box.individual)
        else:
            found.setdefault(name_of_text(species or box.category, "species"), (species, box.individual))
    return found if boxes or sorted_by == "individual" else {"blank": (None, None)}


def _without_place(path: Path, *, exact: bool) -> tuple[bytes, str]:
    """The file as it is where it may leave so, else the picture with its metadata but the place.

    A JPEG is written again with its own quantisation tables. Blocks in which places hide beside EXIF's GPS (XMP, IPTC,
    comments, the maker's notes) are left out.

    Raises:
        OSError: the file cannot be read.
    """
    if exact:
        return path.read_bytes(), path.suffix
    with Image.open(path) as opened:
        exif = opened.getexif()
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        hiding = bool({"xmp", "comment", "photoshop", "XML:com.adobe.xmp"} & set(opened.info))
        for block, tags in ((exif, (ExifTags.IFD.GPSInfo, DESCRIPTION)), (inner, (MAKER_NOTE, USER_COMMENT))):
            for tag in tags:
                if tag in block:
                    del block[tag]
                    hiding = True
        if not hiding:
            return path.read_bytes(), path.suffix
        content, same = io.BytesIO(), opened.format == "JPEG"
        options: dict[str, Any] = {"quality": "keep", "subsampling": "keep"} if same else {"quality": 95}
        picture = opened if same else opened.convert("RGB")
        picture.info = {key: value for key, value in opened.info.items() if key == "icc_profile"}
        picture.save(content, "JPEG", exif=exif, **options)
    return content.getvalue(), ".jpg"


def _readme(sorted_by: str, left_out: Counter[str], exact: bool) -> list[str]:
    return [
        f"Images in folders by {sorted_by}; files.csv says what each was called and where it was taken.",
        "Whoever may be a person is blurred, and such a picture has no metadata.",
        "" if exact else "No file holds a place in its metadata; the time is still there.",
        "Left out: " + (", ".join(f"{count:,} {why}" for why, count in left_out.items() if count) or "nothing") + ".",
    ]
