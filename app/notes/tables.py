"""Run the graph over a file of notes and write its two tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.notes.safe_csv import write_safe_csv
from modal_backend.models.text.note_text import LONGEST_TEXT
from modal_backend.models.text.sentence_embedding import DEFAULT_MODEL, MULTILINGUAL_MODEL
from modal_backend.notes.categories import describe_joined
from modal_backend.notes.pipeline import NoteSettings, NotesPipeline

NODES = (
    "note_counts",
    "joined_categories",
    "cleaned",
    "occurrences",
    "note_keywords",
    "keyword_statistics",
    "held_out_check",
    "keywords_table",
    "clusters",
    "clusters_table",
)


def run_graph(
    notes: Path,
    out: Path,
    cache: Path,
    settings: NoteSettings,
    *,
    remote: bool = False,
    report: Callable[[str, int, int], None] | None = None,
    ask: Callable[[str, dict[str, Any]], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """The values of NODES and the drawing of the graph; keywords.csv and clusters.csv are in `out` afterwards.

    Raises BadNotes, BackendError.
    """
    pipeline = NotesPipeline(notes, cache, remote, settings=settings, report=report, ask=ask)
    values = pipeline.run(NODES) | {"graph": pipeline.drawing()}
    out.mkdir(parents=True, exist_ok=True)
    write_safe_csv(values["keywords_table"], out / "keywords.csv")
    write_safe_csv(values["clusters_table"], out / "clusters.csv")
    return values


def caveats(values: dict[str, Any]) -> list[str]:
    """What a person has to know about a run, in sentences."""
    counts = values["note_counts"]
    lines = []
    if joined := describe_joined(values["joined_categories"]):
        lines.append(f"Counted as one, because only capitals, spaces or accents differ: {'; '.join(joined)}.")
    if counts["empty"]:
        lines.append(f"Empty and left out: {_notes(counts['empty'])}.")
    if counts["repeated"]:
        lines.append(f"Repeats another one exactly and counts once: {_notes(counts['repeated'])}.")
    if counts["long"]:
        lines.append(
            f"Longer than the model reads: {_notes(counts['long'])}. Phrases come from the beginning, "
            "words are counted in the whole."
        )
    if counts["cut"]:
        lines.append(f"Cut after {LONGEST_TEXT:,} characters: {_notes(counts['cut'])}.")
    if foreign := {name: share for name, share in counts["languages"].items() if name != "en"}:
        names = ", ".join(f"{name} {share:.0%}" for name, share in foreign.items())
        lines.append(
            f"Not all notes are in English ({names}). Their function words are left out. Model {DEFAULT_MODEL} "
            f"knows English only; {MULTILINGUAL_MODEL} in Settings knows them."
        )
    if failed := len(values["note_keywords"].errors):
        lines.append(f"Without keywords: {_notes(failed)}.")
    return lines + _outcome(values)


def _outcome(values: dict[str, Any]) -> list[str]:
    counts, table = values["note_counts"], values["keyword_statistics"]
    if len(counts["categories"]) < 2:
        return ["There is one category only, so there is nothing to compare: no keyword can be discriminative."]
    if table.empty:
        return ["No word is in two notes or more, so nothing can be compared."]
    found = int(table["discriminative"].astype(bool).sum())
    if not found:
        return ["No word differs between the categories more than chance explains."]
    lines = []
    if values["clusters"].reason:
        lines.append(values["clusters"].reason)
    check = values["held_out_check"]
    if len(check):
        lines.append(
            f"Of {len(check):,} keywords chosen on half of the notes {check['holds'].mean():.0%} hold on the rest."
        )
    return lines


def _notes(count: int) -> str:
    return f"{count:,} {'note' if count == 1 else 'notes'}"
