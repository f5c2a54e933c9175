"""The stations for maps: GeoJSON (RFC 7946), GeoPackage 1.3 (OGC 12-128r17) and KML 2.2 (OGC 07-147r2), WGS 84."""

from __future__ import annotations

import json
import sqlite3
import struct
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.coordinates import coarse, may_be_exact
from app.exchange.identifiers import ExportRefused
from app.survey.capture.effort import media_days
from app.survey.media.stations import DeploymentView, deployment_views, places
from app.survey.tables.media import Media

APPLICATION_ID, USER_VERSION = 0x47504B47, 10300  # GeoPackage, requirement 2
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]'
)
TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT
  NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY
  (table_name, column_name), CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name));
CREATE TABLE stations (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, station TEXT, cameras INTEGER,
  first_day TEXT, last_day TEXT, media INTEGER, coordinates TEXT);
"""
FIELDS = ("station", "cameras", "first_day", "last_day", "media", "coordinates")


def write(session: Session, out: Path, about: list[str], *, exact: bool = False) -> int:
    """Write stations.geojson, stations.gpkg, stations.kml and README.txt; returns the number of stations.

    Raises:
        ExportRefused: no station has coordinates.
    """
    stations, without = _stations(session, exact=may_be_exact(session, asked=exact))
    if not stations:
        raise ExportRefused("No station has coordinates. Fill them in: Stations.")
    package_path = out.with_suffix(".gpkg")
    try:
        _geopackage(package_path, stations)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr("stations.geojson", json.dumps(_geojson(stations), ensure_ascii=False, indent=1))
            package.write(package_path, "stations.gpkg")
            package.writestr("stations.kml", _kml(stations))
            package.writestr("README.txt", "\n".join([*_readme(without), *about]) + "\n")
    finally:
        package_path.unlink(missing_ok=True)
    return len(stations)


def _stations(session: Session, *, exact: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """What is known of each station that has a place, and the names of the others."""
    deployments = deployment_views(session)
    where, shown = places(deployments), media_days(session, deployments)
    rows = session.execute(sa.select(Media.deployment_id, sa.func.count()).group_by(Media.deployment_id))
    counts = {row[0]: row[1] for row in rows}
    cameras: dict[str, list[DeploymentView]] = {}
    for deployment in deployments:
        cameras.setdefault(deployment.station, []).append(deployment)
    found = []
    for name, of_it in cameras.items():
        if name not in where:
            continue
        latitude, longitude = coarse(where[name], exact=exact)
        days: list[date] = []
        for deployment in of_it:
            stated = (deployment.first_day, deployment.last_day)
            days += [day for day in (stated if all(stated) else shown.get(deployment.id, ())) if day]
        found.append(
            {
                "station": name, "cameras": len(of_it),
                "first_day": str(min(days)) if days else None, "last_day": str(max(days)) if days else None,
                "media": sum(counts.get(deployment.id, 0) for deployment in of_it),
                "coordinates": "exact" if exact else "rounded to 0.1 degree",
                "longitude": longitude, "latitude": latitude,
            }
        )  # fmt: skip
    return found, [name for name in cameras if name not in where]


def _geojson(stations: list[dict[str, Any]]) -> dict[str, Any]:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
            "properties": {name: row[name] for name in FIELDS},
        }
        for row in stations
    ]
    return {"type": "FeatureCollection", "features": features}


def _geopackage(place: Path, stations: list[dict[str, Any]]) -> None:
    place.unlink(missing_ok=True)
    connection = sqlite3.connect(place)
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {USER_VERSION}")
        connection.executescript(TABLES)
        systems = [
            ("Undefined Cartesian", -1, "NONE", -1, "undefined", None),
            ("Undefined geographic", 0, "NONE", 0, "undefined", None),
            ("WGS 84 geodetic", 4326, "EPSG", 4326, WGS84, "longitude and latitude in degrees"),
        ]
        connection.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", systems)
        x, y = [row["longitude"] for row in stations], [row["latitude"] for row in stations]
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        contents = ("stations", "features", "stations", "", now, min(x), min(y), max(x), max(y), 4326)
        connection.execute("INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", contents)
        connection.execute("INSERT INTO gpkg_geometry_columns VALUES ('stations', 'geom', 'POINT', 4326, 0, 0)")
        connection.executemany(
            f"INSERT INTO stations (geom, {', '.join(FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(_point(row), *(row[name] for name in FIELDS)) for row in stations],
        )
        connection.commit()
    finally:
        connection.close()


def _point(row: dict[str, Any]) -> bytes:
    """A GeoPackage geometry: magic, version 0, flags (little endian, no envelope), system, well-known binary."""
    return struct.pack("<2sBBi", b"GP", 0, 1, 4326) + struct.pack("<BIdd", 1, 1, row["longitude"], row["latitude"])


def _kml(stations: list[dict[str, Any]]) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>Stations</name>',
    ]
    for row in stations:
        text = ", ".join(f"{name}: {row[name]}" for name in FIELDS[1:] if row[name] is not None)
        lines.append(
            f"<Placemark><name>{escape(row['station'])}</name><description>{escape(text)}</description>"
            f"<Point><coordinates>{row['longitude']},{row['latitude']}</coordinates></Point></Placemark>"
        )
    return "\n".join([*lines, "</Document></kml>"]) + "\n"


def _readme(without: list[str]) -> list[str]:
    return [
        "The stations, WGS 84: stations.geojson and stations.gpkg for QGIS, ArcGIS, R (sf) and Python (geopandas);",
        "stations.kml for Google Earth and GPS devices. cameras counts deployments, media images and videos.",
        "Left out: " + (f"stations without coordinates: {', '.join(without)}" if without else "nothing") + ".",
    ]
