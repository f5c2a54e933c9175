"""How each format of the table in `formats` is written: what it reads of the survey, and a line about what it holds."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from app.exchange import (
    camtrap_dp,
    camtrapr,
    coco,
    crops_zip,
    images_zip,
    megadetector_json,
    occupancy,
    secr,
    sightings_csv,
    sightings_xlsx,
    station_map,
)
from app.exchange.about import AS_THEY_ARE, about
from app.exchange.coordinates import may_be_exact
from app.exchange.listed import media_paths
from app.exchange.safe_cells import RULE
from app.exchange.wishes import Wish
from app.survey.capture.history import CaptureHistory, capture_history
from app.survey.database import Survey

SIGHTINGS_LACK = "animals that nobody has named."


def write_secr(survey: Survey, wish: Wish, out: Path) -> str:
    history, exact = _history(survey, wish)
    return _zip(survey, wish, out, history, secr.files(history, exact=exact))


def writes_history(make: Callable[[CaptureHistory], dict[str, str]]) -> Callable[[Survey, Wish, Path], str]:
    """Writes a format that is made of the capture history alone. make: its files."""

    def write(survey: Survey, wish: Wish, out: Path) -> str:
        history, _ = _history(survey, wish)
        return _zip(survey, wish, out, history, make(history))

    return write


def write_camtrapr(survey: Survey, wish: Wish, out: Path) -> str:
    history, exact = _history(survey, wish)
    with survey.read() as session:
        paths = media_paths(session, {sighting.media_id for sighting in history.used})
    return _zip(survey, wish, out, history, camtrapr.files(history, paths, exact=exact))


def write_occupancy(survey: Survey, wish: Wish, out: Path) -> str:
    history, _ = _history(survey, wish)
    with survey.read() as session:
        seen = occupancy.species_seen(session)
    wanted = (wish.design.species or "").lower()
    seen = [sighting for sighting in seen if not wanted or sighting.species.lower() == wanted]
    return _zip(survey, wish, out, history, occupancy.detection_histories(history, seen))


def write_stations(survey: Survey, wish: Wish, out: Path) -> str:
    with survey.read() as session:
        lines = _about(session, wish, None, AS_THEY_ARE)
        return f"{station_map.write(session, out, lines, exact=wish.exact)} stations"


def write_sightings(survey: Survey, wish: Wish, out: Path) -> str:
    with survey.read() as session:
        count = sightings_csv.write(session, out, wish.individual_id, exact=wish.exact, report=wish.report)
        _beside(out, _about(session, wish, [SIGHTINGS_LACK]))
    return f"{count:,} sightings"


def write_workbook(survey: Survey, wish: Wish, out: Path) -> str:
    with survey.read() as session:
        lines = _about(session, wish, [SIGHTINGS_LACK])
        count = sightings_xlsx.write(session, out, lines, wish.individual_id, exact=wish.exact, report=wish.report)
    return f"{count:,} sightings"


def write_camtrap_dp(survey: Survey, wish: Wish, out: Path) -> str:
    with survey.read() as session:
        count = camtrap_dp.write(
            session, out, wish.statement, wish.who, exact=wish.exact, report=wish.report, settings=wish.settings
        )
    return f"{count:,} observations"


def write_crops(survey: Survey, wish: Wish, out: Path) -> str:
    if wish.individual_id is None:
        raise ValueError("Crops are exported of one individual: name it.")
    with survey.read() as session:
        count = crops_zip.write(session, survey.data_dir, wish.individual_id, out, exact=wish.exact, report=wish.report)
        with zipfile.ZipFile(out, "a") as package:
            missing = any(name.endswith("not-included.txt") for name in package.namelist())
            left_out = ["the crops in not-included.txt: no picture of them is cut yet."] if missing else []
            package.writestr("README.txt", "\n".join(_about(session, wish, left_out)) + "\n")
    return f"{count} crops"


def write_images(survey: Survey, wish: Wish, out: Path) -> str:
    with survey.read() as session:
        lines = _about(session, wish, None)
        count = images_zip.write(
            session, survey.data_dir, out, lines, wish.sorted_by, exact=wish.exact, report=wish.report
        )
    return f"{count} images"


def write_catalogue(survey: Survey, wish: Wish, out: Path) -> str:
    from app.exchange import catalogue_pdf  # reads fonts, which no page needs

    with survey.read() as session:
        lines = _about(session, wish, [SIGHTINGS_LACK, "crops after the best three of a flank."], AS_THEY_ARE)
        printed = catalogue_pdf.write(session, survey.data_dir, out, lines, exact=wish.exact, report=wish.report)
    return f"{printed.individuals:,} individuals" + (f". {printed.lacking}" if printed.lacking else "")


def write_megadetector(survey: Survey, wish: Wish, out: Path) -> str:
    count = megadetector_json.export(survey, out, wish.report)
    with survey.read() as session:
        lacks = ["who the individuals are, and species: the format holds boxes."]
        _beside(out, _about(session, wish, lacks, AS_THEY_ARE))
    return f"{count:,} images"


def write_coco(survey: Survey, wish: Wish, out: Path) -> str:
    with survey.read() as session:
        written = coco.write(session, out, wish.report)
        _beside(out, _about(session, wish, [f"{text}." for text in written.left_out], AS_THEY_ARE))
    left = f"; left out: {'; '.join(written.left_out)}" if written.left_out else ""
    return f"{written.images} images, {written.annotations} boxes{left}"


def readme_beside(out: Path) -> Path:
    """Where the README of a file lies that cannot hold one itself."""
    return out.with_name(f"{out.stem}.README.txt")


def _beside(out: Path, lines: Sequence[str]) -> None:
    readme_beside(out).write_text("\n".join(lines).strip() + "\n", encoding="utf-8")


def _about(session: Session, wish: Wish, left_out: Sequence[str] | None = (), names: str = RULE) -> list[str]:
    return about(session, exact=wish.exact, left_out=left_out, settings=wish.settings, names=names)


def _history(survey: Survey, wish: Wish) -> tuple[CaptureHistory, bool]:
    """The capture history, and whether exact places may leave."""
    with survey.read() as session:
        return capture_history(session, wish.design), may_be_exact(session, asked=wish.exact)


def _zip(survey: Survey, wish: Wish, out: Path, history: CaptureHistory, files: dict[str, str]) -> str:
    with survey.read() as session:
        files["README.txt"] += "\n".join(_about(session, wish, history.notes)) + "\n"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in files.items():
            package.writestr(name, text)
    return f"{len(history.individuals)} individuals, {len(history.stations)} stations, {history.occasions} occasions"
