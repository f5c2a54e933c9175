"""Every format the survey can be written in, in one table: what it is for, what it holds, and how it is written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app import files
from app.exchange import history_csv, mark, occupancy, writers
from app.exchange.about import about
from app.exchange.identifiers import ExportRefused
from app.exchange.progress import Report
from app.exchange.sizes import expected_seconds
from app.exchange.wishes import Wish
from app.exchange.writers import readme_beside
from app.survey.capture.effort import NoEffort
from app.survey.database import Survey


@dataclass(frozen=True, slots=True)
class Format:
    """A format to export.

    Attributes:
        key: as the command line and the address call it.
        suffix: of the file.
    """

    key: str
    title: str
    reads: str
    holds: str
    suffix: str
    write: Callable[[Survey, Wish, Path], str]


def _everything(survey: Survey, wish: Wish, out: Path) -> str:
    """Every format that needs no further choice, each a file of the zip; README.txt says which could not be written."""
    held, refused, part = [], [], out.with_suffix(".piece")
    kinds = {key: kind for key, kind in FORMATS.items() if key not in ("everything", "crops")}
    with survey.read() as session:
        expected = expected_seconds(session, kinds)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as package:
        for key, kind in kinds.items():
            try:
                kind.write(survey, replace(wish, report=_share(wish.report, expected, key)), part)
                package.write(part, f"{key}.{kind.suffix}")
                if readme_beside(part).exists():
                    package.write(readme_beside(part), f"{key}.README.txt")
                held.append(f"{key}.{kind.suffix}: {kind.title}. {kind.holds}")
            except (ExportRefused, NoEffort) as error:
                refused.append(f"{kind.title}: {error}")
            finally:
                part.unlink(missing_ok=True)
                readme_beside(part).unlink(missing_ok=True)
        with survey.read() as session:
            lines = [*held, *about(session, exact=wish.exact, left_out=refused, settings=wish.settings)]
        package.writestr("README.txt", "\n".join(lines) + "\n")
    return f"{len(held)} formats" + (f"; left out: {'; '.join(refused)}" if refused else "")


def _share(report: Report, expected: dict[str, float], key: str) -> Report:
    """Reports the progress of one format as that of all, in thousandths of the time that all are expected to take."""
    keys = list(expected)
    before, whole = sum(expected[each] for each in keys[: keys.index(key)]), sum(expected.values())

    def reported(done: int, total: int) -> None:
        report(int(1000 * (before + expected[key] * done / max(total, 1)) / whole), 1000)

    return reported


def file_name(kind: str, settings: Mapping[str, str]) -> str:
    """What the file of a format is called."""
    name = f"-{files.name_of_text(settings['name'], 'one')}" if settings.get("name") else ""
    return f"pugmark-{kind}{name}.{FORMATS[kind].suffix}"


FORMATS = {
    format.key: format
    for format in (
        Format(
            "secr", "secr", "R package secr (spatial capture-recapture), DENSITY",
            "Captures with sex, detectors in metres with the days each worked per occasion, R commands.",
            "zip", writers.write_secr,
        ),
        Format(
            "camtrapr", "camtrapR", "R package camtrapR",
            "Record table with individuals, camera operation matrix by day, station table, R commands.",
            "zip", writers.write_camtrapr,
        ),
        Format(
            "mark", "Program MARK", "Program MARK, RMark",
            "Encounter histories (.inp); '.' where no camera worked, and a version without those occasions.",
            "zip", writers.writes_history(mark.files),
        ),
        Format(
            "history", "Capture history tables", "Any spreadsheet",
            "Individuals by occasion, individuals by station and occasion, effort in days.",
            "zip", writers.writes_history(history_csv.files),
        ),
        Format(
            "occupancy", "Detection histories", "R packages unmarked, spOccupancy, camtrapR; PRESENCE",
            "For each species stations by occasions: seen, not seen, no camera worked; the days worked beside it.",
            "zip", writers.write_occupancy,
        ),
        Format(
            "operation", "Camera operation", "camtrapR, any spreadsheet",
            "Stations by days: worked, did not work, not set up; and days worked an occasion.",
            "zip", writers.writes_history(occupancy.operation),
        ),
        Format(
            "camtrap-dp", "Camtrap DP 1.0.2", "GBIF, Agouti, camtrapDP, Biowatch, camtrapR",
            "Deployments, media and observations with individualID, sex, boxes, and who decided so; no file of yours.",
            "zip", writers.write_camtrap_dp,
        ),
        Format(
            "sightings", "Sightings", "Any spreadsheet",
            "A row a sighting: individual, place, time, flank, file, who decided and when.",
            "csv", writers.write_sightings,
        ),
        Format(
            "sightings-xlsx", "Sightings as a workbook", "Excel, LibreOffice",
            "The same rows as an Excel file; a further sheet begins where Excel's rows end.",
            "xlsx", writers.write_workbook,
        ),
        Format(
            "stations", "Stations on a map", "QGIS, ArcGIS, R (sf), Google Earth, GPS devices",
            "GeoJSON, GeoPackage and KML: a point a station with its cameras, days and number of media.",
            "zip", writers.write_stations,
        ),
        Format(
            "catalogue", "Catalogue to print", "Any PDF reader",
            "A page or more an individual: best crops by flank, a map, every sighting.",
            "pdf", writers.write_catalogue,
        ),
        Format(
            "images", "Images in folders", "Any picture viewer, model training, other catalogues",
            "Every image in a folder of its species or individual; people are blurred, places taken out. No videos.",
            "zip", writers.write_images,
        ),
        Format(
            "megadetector", "MegaDetector 1.6", "Timelapse, camtrapR, Addax",
            "Every image with its boxes, people's corrections applied (lila format).",
            "json", writers.write_megadetector,
        ),
        Format(
            "coco", "COCO Camera Traps", "pycocotools, FiftyOne, CVAT, model training",
            "Images with boxes in pixels, species, individual and flank; videos and images with a person are left out.",
            "json", writers.write_coco,
        ),
        Format(
            "crops", "Crops of one individual", "Any picture viewer, other catalogues",
            "Every crop as JPEG with its sightings; people in the way are blurred.",
            "zip", writers.write_crops,
        ),
        Format(
            "everything", "Everything", "An archive",
            "Every format above in one zip, but the crops of one individual; what could not be written says why.",
            "zip", _everything,
        ),
    )
}  # fmt: skip
