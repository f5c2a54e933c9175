"""The columns of a table of notes: where its header is, and which column holds what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from modal_backend.notes.categories import plain_name

FIELDS = ("text", "category", "date", "station", "individual")
# What the columns of field forms and of Camtrap DP are called; the first that is there is offered.
USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "processed_text", "note", "notes", "comment", "comments", "remark", "remarks",
             "observationcomments", "description", "deploymentcomments", "summary", "observation", "observations",
             "fieldnotes", "bemerkung", "bemerkungen", "notiz", "notizen", "kommentar", "beobachtung", "remarque",
             "remarques", "commentaire", "commentaires", "nota", "notas", "observacion", "observaciones", "comentario",
             "comentarios", "observacao", "observacoes", "osservazioni", "opmerking", "opmerkingen", "catatan"),
    "category": ("category", "site", "season", "species", "scientificname", "habitat", "group", "label", "station",
                 "location", "locationname", "observer", "ranger", "individual", "individualid", "standort", "ort",
                 "sitio", "lieu", "local", "estacion", "estacao", "lugar", "locatie", "lokasi", "kategorie",
                 "categorie", "categoria"),
    "date": ("date", "day", "datetime", "timestamp", "eventstart", "observed", "time", "datum", "fecha", "data",
             "tanggal"),
    "station": ("station", "camera", "location", "locationname", "deployment", "deploymentid", "place", "site",
                "standort", "sitio", "lieu", "estacion", "estacao"),
    "individual": ("individual", "individualid", "animal", "animal_id", "tiger", "name", "id_animal"),
}  # fmt: skip
MOST_NOTES = 300_000
MOST_COLUMNS = 1_000
MOST_CELLS = 3_000_000
HEADER_SAMPLE = 20
WIDTH_SAMPLE = 200
LONGEST_NAME = 60


class BadNotes(Exception):
    """The notes cannot be used; the text says why and what to do."""


class NoNotes(BadNotes):
    """There is nothing in the file, or in its sheet."""


def guess_columns(columns: Sequence[str]) -> dict[str, str | None]:
    """For each of FIELDS the column that is probably meant, or None; no column is offered for text and another."""
    by_name = {_key(str(name)): str(name) for name in reversed(columns)}
    found: dict[str, str | None] = {}
    for field in FIELDS:
        usual = [by_name[name] for name in USUAL_NAMES[field] if name in by_name]
        found[field] = next((name for name in usual if name != found.get("text")), None)
    if found["text"] is None and len(columns) == 1:
        found["text"] = str(columns[0])
    return found


def header_at(rows: Sequence[Sequence[str]]) -> int:
    """Which of the rows names the columns: the first with usual names, else the first that is no title."""
    for at, row in enumerate(rows[:HEADER_SAMPLE]):
        keys = {_key(cell) for cell in row} & _EVERY
        if keys & set(USUAL_NAMES["text"]) and (at == 0 or len(keys) > 1 or filled(rows[at + 1 :]) == 1):
            return at
    width = filled(rows)
    for at, row in enumerate(rows[:HEADER_SAMPLE]):
        count = sum(bool(cell.strip()) for cell in row)
        title = row[0].strip() and (count == 1 < width or (count == 2 and width > 4))
        if not title:
            return at
    return 0


def filled(rows: Sequence[Sequence[str]]) -> int:
    """How many cells a row usually has, up to the last with a value."""
    extents = Counter(extent(row) for row in rows[:WIDTH_SAMPLE])
    return extents.most_common(1)[0][0] if extents else 0


def extent(row: Sequence[str]) -> int:
    """The number of cells of a row up to the last with a value."""
    return next((at for at in range(len(row), 0, -1) if row[at - 1].strip()), 0)


def has_usual_name(row: Sequence[str]) -> bool:
    """Whether a row holds a name that columns of notes usually have."""
    return any(_key(cell) in _EVERY for cell in row)


def like_a_note(header: Sequence[str]) -> bool:
    """Whether a header may be a note itself: it has no usual name, but a number, a date or a sentence."""
    if has_usual_name(header):
        return False
    return any(len(cell) > LONGEST_NAME or re.fullmatch(r"\s*[\d.,:/\- ]*\d[\d.,:/\- ]*", cell) for cell in header)


def distinct(names: Sequence[str]) -> list[str]:
    """Names of columns without repetitions: note, note (2); one without a name is called by its place."""
    found: list[str] = []
    taken = {name.strip() for name in names}
    for at, given in enumerate(names):
        name = given.strip() or f"column {at + 1}"
        free, number = name, 2
        while free in found or (number > 2 and free in taken):
            free, number = f"{name} ({number})", number + 1
        found.append(free)
    return found


def _key(name: str) -> str:
    """A name without capitals, spaces and accents."""
    return plain_name(name).replace(" ", "")


_EVERY = frozenset(name for names in USUAL_NAMES.values() for name in names)
