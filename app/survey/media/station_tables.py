"""A table of stations (CSV or Excel) as people and other programs keep it: where each camera was, and when."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from app.background import read_notes_apart
from app.survey.media.coordinates import degrees, from_utm
from modal_backend.notes.categories import plain_name
from modal_backend.notes.columns import BadNotes
from modal_backend.notes.dates import days_of, month_comes_first
from modal_backend.notes.table import Choices

GERMAN = ("langengrad", "laengengrad", "laenge", "lange")  # longitudes, where O means east (Ost), and not Oeste
# What the columns are called by people, camtrapR, Camtrap DP, Wildlife Insights and TRAPPER; compared without case,
# accents and signs.
NAMES: Mapping[str, tuple[str, ...]] = {
    "deployment": ("deployment", "deploymentid", "deploymentname"),
    "station": ("station", "stationid", "site", "siteid", "location", "locationid", "locationname", "place",
                "placename", "point", "standort", "ort", "estacion", "estacao", "sitio", "lieu", "lugar"),
    "camera": ("camera", "cameraid", "cam", "cameraname", "cameraserial", "kamera", "camara", "trap", "deviceid"),
    "latitude": ("latitude", "lat", "decimallatitude", "y", "breite", "breitengrad", "latitud", "latitudine"),
    "longitude": ("longitude", "lon", "lng", "long", "decimallongitude", "x", "longitud", *GERMAN),
    "easting": ("easting", "utmx", "utme", "east", "xutm", "utmeasting"),
    "northing": ("northing", "utmy", "utmn", "north", "yutm", "utmnorthing"),
    "zone": ("utmzone", "zone", "zona", "utm"),
    "first_day": ("start", "startdate", "setup", "setupdate", "deploymentstart", "firstday", "from", "begin", "datein",
                  "installed", "beginn", "inicio", "debut", "dateset"),
    "last_day": ("end", "enddate", "retrieval", "retrievaldate", "deploymentend", "lastday", "to", "until", "removed",
                 "dateout", "ende", "fin", "fim"),
    "broken_from": ("brokenfrom", "problem1from", "failurefrom"),
    "broken_to": ("brokento", "problem1to", "failureto"),
    "time_zone": ("timezone", "tz", "utcoffset", "zeitzone", "fuseau", "zonahoraria"),
    "bait": ("bait", "baittype", "lure", "koder", "cebo", "appat", "attractant"),
    "notes": ("notes", "note", "comments", "comment", "remarks", "remark", "deploymentcomments", "bemerkung",
              "bemerkungen", "notas", "remarques"),
}  # fmt: skip
DAYS = ("first_day", "last_day", "broken_from", "broken_to")
TEXTS = ("camera", "time_zone", "bait", "notes")
ALIKE = 0.75
ROUGH = 10_000  # metres: a place that is no better was rounded, as those of sensitive species are


class BadStations(Exception):
    """The table cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class StationRow:
    """One line of the table.

    Args:
        values: as `set_deployment` takes them.
        problem: why the line cannot be used.
        deployment: its name, empty where the table does not say.
        rough: its place was rounded.
    """

    line: int
    station: str
    values: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
    deployment: str = ""
    rough: bool = False


def read_table(path: Path) -> pd.DataFrame:
    """The table as texts. Raises BadStations."""
    try:
        return read_notes_apart(path, Choices(trust_quotes=True)).table
    except BadNotes as error:
        raise BadStations(str(error).replace("notes", "lines")) from error


def guess(columns: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Which column holds which field: those that are sure, and those that are probably meant ("did you mean")."""
    usual = {plain(name): field for field, names in NAMES.items() for name in names}
    sure: dict[str, str] = {}
    maybe: dict[str, str] = {}
    for column in columns:
        if usual.get(plain(column)) not in (None, *sure):
            sure[usual[plain(column)]] = column
    for column in columns:
        close = get_close_matches(plain(column), usual, 1, ALIKE)
        if column not in sure.values() and close and usual[close[0]] not in {**sure, **maybe}:
            maybe[usual[close[0]]] = column
    return sure, maybe


def rows(table: pd.DataFrame, columns: Mapping[str, str], rough: Collection[int] = frozenset()) -> list[StationRow]:
    """The lines of the table with what they say, each with its problem if it has one.

    Args:
        columns: the column of each field that there is.
        rough: the lines, from 0, whose places were rounded.

    Raises:
        BadStations: no column names the stations.
    """
    if "station" not in columns:
        raise BadStations("Say which column names the stations.")
    texts = {name: [str(cell).strip() for cell in table[column]] for name, column in columns.items()}
    if plain(columns.get("longitude", "")) in GERMAN:
        texts["longitude"] = [re.sub("[oO]$|^[oO]", "E", text) for text in texts["longitude"]]
    month_first = month_comes_first([text for name in DAYS for text in texts.get(name, ())])
    found = []
    for place in range(len(table)):
        cells = {name: column[place] for name, column in texts.items()}
        deployment = cells.get("deployment", "")
        if not any(cells.values()):
            continue
        try:
            if not cells["station"]:
                raise ValueError("The station is missing.")
            values = _values(cells, month_first)
            found.append(StationRow(place + 2, cells["station"], values, None, deployment, place in rough))
        except ValueError as error:
            found.append(StationRow(place + 2, cells["station"], problem=str(error), deployment=deployment))
    return found


def plain(name: str) -> str:
    """A name without case, accents, spaces and signs."""
    return "".join(filter(str.isalnum, plain_name(name)))


def _values(cells: Mapping[str, str], month_first: bool | None) -> dict[str, Any]:
    values: dict[str, Any] = {name: cells[name] for name in TEXTS if cells.get(name)}
    if cells.get("easting") and cells.get("northing"):
        latitude, longitude = from_utm(cells["easting"], cells["northing"], cells.get("zone", ""))
        values |= {"latitude": round(latitude, 6), "longitude": round(longitude, 6)}
    elif cells.get("latitude") or cells.get("longitude"):
        values |= {axis: round(degrees(cells.get(axis, ""), axis), 6) for axis in ("latitude", "longitude")}
    values |= {name: _day(cells[name], month_first) for name in DAYS if cells.get(name)}
    return values


def _day(text: str, month_first: bool | None) -> str:
    """A day as ISO text. Raises ValueError."""
    (day,), doubtful = days_of([text], month_first)
    if doubtful:
        raise ValueError(f"{text} may be a day of two months: write days as 2024-03-31.")
    if not day:
        raise ValueError(f"“{text}” is no day: write it as 2024-03-31.")
    return day
