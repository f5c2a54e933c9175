"""Encounter histories for Program MARK (.inp).

Source: "Encounter Histories Format" and "Encounter Histories File" of MARK's help: history, blank, one frequency a
group, semicolon; comments between /* and */; records of at most 240 characters; '.' for an occasion without sampling
is allowed for recaptures only (CJS) and occupancy, not for closed captures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.exchange.csv_text import NO_SIGHTING, described, identifiers_csv
from app.exchange.identifiers import ExportRefused, identifiers
from app.survey.capture.history import MISSING, CaptureHistory

LONGEST_RECORD = 240


def files(history: CaptureHistory) -> dict[str, str]:
    """capture_history.inp, with '.' where no camera worked; then also closed.inp without those occasions;
    identifiers.csv, README.txt.

    Raises:
        ExportRefused: without a sighting, or when a record would be longer than MARK reads.
    """
    if not history.captures:
        raise ExportRefused(NO_SIGHTING)
    table = history.by_occasion()
    missing = (table == MISSING).all(axis=0)
    animals = identifiers((animal.name for animal in history.individuals), "A")
    found = {
        "capture_history.inp": _inp(history, table, animals),
        "identifiers.csv": identifiers_csv({"individual": animals}),
    }
    if missing.any():
        found["closed.inp"] = _inp(history, table[:, ~missing], animals, [int(n) + 1 for n in np.flatnonzero(missing)])
    return {**found, "README.txt": _readme(history, bool(missing.any()))}


def _inp(
    history: CaptureHistory, table: NDArray[np.int8], names: dict[str, str], dropped: list[int] | None = None
) -> str:
    lines = [
        f"/* {table.shape[1]} occasions of {history.design.occasion_days} days from {history.start}, "
        f"{len(history.individuals)} individuals, 1 group */"
    ]
    if dropped:
        listed = ", ".join(map(str, dropped))
        lines += [f"/* occasions without a working camera were dropped: {listed} */"]
    for animal, row in zip(history.individuals, table, strict=True):
        text = "".join("." if value == MISSING else str(value) for value in row)
        lines.append(f"/* {names[animal.name]} */ {text} 1;")
    longest = max(len(line) for line in lines)
    if longest > LONGEST_RECORD:
        raise ExportRefused(
            f"Program MARK reads records of at most {LONGEST_RECORD} characters, and these have {longest}: choose "
            "longer occasions."
        )
    return "\n".join(lines) + "\n"


def _readme(history: CaptureHistory, missing: bool) -> str:
    lines = [
        "Encounter histories for Program MARK (data types with LLLL histories), one group.",
        f"Encounter occasions: {history.occasions}.",
    ]
    if missing:
        lines += [
            "capture_history.inp has '.' where no camera worked: for recaptures only (CJS).",
            "closed.inp leaves these occasions out: for closed captures, which know no '.'.",
        ]
    return "\n".join([*lines, "", *described(history)]) + "\n"
