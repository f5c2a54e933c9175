"""Where the notes of a run come from, and what groups them into categories."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.notes.names import name_kinds
from app.survey.decisions.notes import restore_file
from app.survey.notes import notes as survey_notes
from app.survey.notes import views
from app.survey.tables.deployments import Deployment
from app.survey.tables.individuals import Individual
from app.survey.tables.notes import NoteFile, NoteFileReview
from modal_backend.models.text.sentence_embedding import DEFAULT_MODEL
from modal_backend.notes.columns import FIELDS
from modal_backend.notes.dates import days_of
from modal_backend.notes.table import mapped

# What may be the category of a note, and what it is called on the screen.
GROUPINGS = {"category": "Category", "station": "Station", "individual": "Individual", "month": "Month", "year": "Year"}
CROSS = "+"
INDIVIDUALS = "individuals"
VIDEOS = "clips"
YEAR_MONTH = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})(?!\d)")
DAY_MONTH_YEAR = re.compile(r"(?<!\d)\d{1,2}[-/.](\d{1,2})[-/.](\d{4})(?!\d)")


def keep(
    session: Session,
    label: str,
    table: pd.DataFrame,
    columns: Mapping[str, str | None],
    who: str,
    *,
    synthetic: bool = False,
    month_first: bool | None = None,
) -> NoteFile:
    """Keep a table of notes in the survey; one that was deleted comes back.

    Args:
        month_first: whether 3/4/2024 is the 4th of March, where the dates do not tell.

    Raises:
        BadNotes: the columns do not fit the table.
    """
    notes = mapped(table, columns)
    rows = [{str(name): value for name, value in row.items()} for row in notes.to_dict("records")]
    order = [] if month_first is None else [month_first]
    content = json.dumps([label, dict(columns), rows, *order], sort_keys=True, ensure_ascii=False)
    days = days_of(notes["date"].tolist(), month_first)[0]
    rows = [{**row, "day": day} for row, day in zip(rows, days, strict=True)]
    sha256 = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    file = survey_notes.take_file(session, label, sha256, dict(columns), rows, who, synthetic=synthetic)
    if session.get(NoteFileReview, file.id) is not None:
        restore_file(session, who, file.id)
    return file


def rows_of(session: Session, source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The notes of a source: {"files": ids, "individuals": whether what was written about individuals counts, "videos":
    whether the computed summaries of videos do}."""
    rows = survey_notes.note_rows(session, list(source.get("files", ())))
    rows += views.individual_rows(session) if source.get(INDIVIDUALS) else []
    return rows + (views.video_rows(session) if source.get(VIDEOS) else [])


def names_of(session: Session, rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> dict[str, str]:
    """The keywords of a run that are names, see `name_kinds`. rows: the notes of values["cleaned"]."""
    places = {row["station"] for row in rows} | {name for pair in session.execute(PLACES) for name in pair}
    animals = {row["individual"] for row in rows} | set(session.scalars(sa.select(Individual.name)))
    table = values["keyword_statistics"]
    words = set(table.loc[table["discriminative"].astype(bool), "keyword"])
    return name_kinds(list(values["cleaned"]["processed_text"]), words, places, animals)


def write_notes(rows: list[dict[str, Any]], grouping: str, path: Path) -> None:
    """Write notes as JSON lines for the graph, grouped into categories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for row in rows:
            line = {**row, "category": grouped(row, grouping)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def crossed(groupings: Iterable[str]) -> str:
    """The grouping by several at once, such as station and month."""
    return CROSS.join(dict.fromkeys(groupings))


def name_of(grouping: str) -> str:
    """What a grouping is called on the screen."""
    return " × ".join(GROUPINGS.get(part, part) for part in grouping.split(CROSS))


def grouped(row: Mapping[str, Any], grouping: str) -> str:
    """The category of a note under a grouping, empty when it has none; of a crossed one, when it lacks one of them."""
    parts = [_grouped(row, part) for part in grouping.split(CROSS)]
    return " · ".join(parts) if all(parts) else ""


def _grouped(row: Mapping[str, Any], grouping: str) -> str:
    if grouping not in ("month", "year"):
        return str(row.get(grouping, "")).strip()
    year, month = year_month(str(row.get("day") or row.get("date", "")))
    return year if grouping == "year" else month


def year_month(text: str) -> tuple[str, str]:
    """("2024", "2024-03") of a date such as 2024-03-12, 2024/3/12 or 12.03.2024; empty texts when there is none."""
    if found := YEAR_MONTH.search(text):
        year, month = found.groups()
    elif found := DAY_MONTH_YEAR.search(text):
        month, year = found.groups()
    else:
        return "", ""
    return (year, f"{year}-{int(month):02}") if 1 <= int(month) <= 12 else ("", "")


PLACES = sa.select(Deployment.name, Deployment.station)
COLUMNS = {field: field for field in FIELDS}


def settings_of(
    files: list[int], grouping: str, *, individuals: bool = False, videos: bool = False, **graph: Any
) -> dict[str, Any]:
    """A run's settings. individuals, videos: with what was written about individuals, with summaries of videos. graph:
    seed, model_name, top_n, seed_words, min_support, min_cluster_size, join_names."""
    graph.setdefault("model_name", DEFAULT_MODEL)
    source = {"files": files, "individuals": individuals, "clips": videos}
    return {"source": source, "grouping": grouping, "graph": graph}
