"""Every format the survey can be written in, in one table: what it is for, what it holds, and how it is written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.exchange import (
    camtrap_dp,
    camtrapr,
    coco,
    crops_zip,
    history_csv,
    mark,
    megadetector_json,
    secr,
    sightings_csv,
)
from app.survey.capture.history import CaptureHistory, Design, capture_history
from app.survey.database import Survey


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants written.

    Attributes:
        exact: also exact places of sensitive species.
        statement, who: for Camtrap DP.
    """

    design: Design = field(default_factory=Design)
    exact: bool = False
    individual_id: int | None = None
    statement: camtrap_dp.Statement | None = None
    who: str = "Pugmark"


@dataclass(frozen=True, slots=True)
class Format:
    """A format to export.

    Attributes:
        key: as the command line and the address call it.
        suffix: of the file.
        history: whether a design applies.
    """

    key: str
    title: str
    reads: str
    holds: str
    suffix: str
    history: bool
    write: Callable[[Survey, Wish, Path], str]


def _history(survey: Survey, wish: Wish) -> CaptureHistory:
    with survey.read() as session:
        return capture_history(session, wish.design)


def _zip(out: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in files.items():
            package.writestr(name, text)


def _told(history: CaptureHistory) -> str:
    return f"{len(history.individuals)} individuals, {len(history.stations)} stations, {history.occasions} occasions"


def _secr(survey: Survey, wish: Wish, out: Path) -> str:
    history = _history(survey, wish)
    _zip(out, secr.files(history, exact=wish.exact))
    return _told(history)


def _camtrapr(survey: Survey, wish: Wish, out: Path) -> str:
    history = _history(survey, wish)
    with survey.read() as session:
        paths = sightings_csv.media_paths(session, {sighting.media_id for sighting in history.used})
    _zip(out, camtrapr.files(history, paths, exact=wish.exact))
    return _told(history)


def _mark(survey: Survey, wish: Wish, out: Path) -> str:
    history = _history(survey, wish)
    _zip(out, mark.files(history))
    return _told(history)


def _tables(survey: Survey, wish: Wish, out: Path) -> str:
    history = _history(survey, wish)
    _zip(out, history_csv.files(history))
    return _told(history)


def _sightings(survey: Survey, wish: Wish, out: Path) -> str:
    with survey.read() as session:
        text = sightings_csv.table(session, wish.individual_id, exact=wish.exact)
    out.write_text(text, encoding="utf-8", newline="")
    return f"{text.count(chr(10)) - 1} sightings"


def _camtrap_dp(survey: Survey, wish: Wish, out: Path) -> str:
    statement = wish.statement or camtrap_dp.Statement("", "", "", None)
    with survey.read() as session:
        return f"{camtrap_dp.write(session, out, statement, wish.who, exact=wish.exact)} observations"


def _crops(survey: Survey, wish: Wish, out: Path) -> str:
    if wish.individual_id is None:
        raise ValueError("Crops are exported of one individual: name it.")
    with survey.read() as session:
        return f"{crops_zip.write(session, survey.data_dir, wish.individual_id, out, exact=wish.exact)} crops"


def _megadetector(survey: Survey, _wish: Wish, out: Path) -> str:
    return f"{megadetector_json.export(survey, out)} images"


def _coco(survey: Survey, _wish: Wish, out: Path) -> str:
    with survey.read() as session:
        written = coco.write(session, out)
    left = f"; left out: {'; '.join(written.left_out)}" if written.left_out else ""
    return f"{written.images} images, {written.annotations} boxes{left}"


FORMATS = {
    format.key: format
    for format in (
        Format(
            "secr", "secr", "R package secr (spatial capture-recapture), DENSITY",
            "Captures with sex, detectors in metres with the days each worked per occasion, R commands.",
            "zip", True, _secr,
        ),
        Format(
            "camtrapr", "camtrapR", "R package camtrapR",
            "Record table with individuals, camera operation matrix by day, station table, R commands.",
            "zip", True, _camtrapr,
        ),
        Format(
            "mark", "Program MARK", "Program MARK, RMark",
            "Encounter histories (.inp); '.' where no camera worked, and a version without those occasions.",
            "zip", True, _mark,
        ),
        Format(
            "history", "Capture history tables", "Any spreadsheet",
            "Individuals by occasion, individuals by station and occasion, effort in days.",
            "zip", True, _tables,
        ),
        Format(
            "camtrap-dp", "Camtrap DP 1.0.2", "GBIF, Agouti, camtrapDP, Biowatch, camtrapR",
            "Deployments, media and observations with individualID, sex, boxes, and who decided so; no file of yours.",
            "zip", False, _camtrap_dp,
        ),
        Format(
            "sightings", "Sightings", "Any spreadsheet",
            "A row a sighting: individual, place, time, flank, file, who decided and when.",
            "csv", False, _sightings,
        ),
        Format(
            "megadetector", "MegaDetector 1.6", "Timelapse, camtrapR, Addax",
            "Every image with its boxes, people's corrections applied (lila format).",
            "json", False, _megadetector,
        ),
        Format(
            "coco", "COCO Camera Traps", "pycocotools, FiftyOne, CVAT, model training",
            "Images with boxes in pixels, species, individual and flank; videos and images with a person are left out.",
            "json", False, _coco,
        ),
        Format(
            "crops", "Crops of one individual", "Any picture viewer, other catalogues",
            "Every crop as JPEG with its sightings; people in the way are blurred.",
            "zip", False, _crops,
        ),
    )
}  # fmt: skip
