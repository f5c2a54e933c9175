"""The columns of Camtrap DP 1.0.2's tables, in the order of their published schemas, and of our individuals.csv.

Readers that go by position, as frictionless-r and camtrapdp do, want every column, empty where nothing is known.
Source: https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/<table>-table-schema.json
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

COLUMNS = {
    "deployments": (
        "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty",
        "deploymentStart", "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay", "cameraHeight",
        "cameraDepth", "cameraTilt", "cameraHeading", "detectionDistance", "timestampIssues", "baitUse", "featureType",
        "habitat", "deploymentGroups", "deploymentTags", "deploymentComments",
    ),
    "media": (
        "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName", "fileMediatype",
        "exifData", "favorite", "mediaComments",
    ),
    "observations": (
        "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
        "observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior",
        "individualID", "individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX", "bboxY",
        "bboxWidth", "bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp",
        "classificationProbability", "observationTags", "observationComments",
    ),
    "individuals": (
        "individualID", "scientificName", "sex", "lifeStage", "lifeStatus", "firstSeen", "lastSeen", "sightings",
        "stations",
    ),
}  # fmt: skip


def write_table(package: zipfile.ZipFile, name: str, known: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a table with every column of its schema; returns the number of rows.

    Args:
        name: of the table.
        known: the columns that the rows hold, in their order.
    """
    header, count = COLUMNS[name], 0
    places = [known.index(column) if column in known else None for column in header]
    with package.open(f"{name}.csv", "w") as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(["" if place is None else row[place] for place in places])
            count += 1
    return count
