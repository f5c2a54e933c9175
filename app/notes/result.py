"""What a page shows of a finished run, kept as one file: keywords, clusters, and which notes hold which keyword."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app import files
from app.notes.months import by_month, trends
from modal_backend.models.text.note_text import note_phrases

NOTES_A_KEYWORD = 60


@dataclass(frozen=True)
class RunResult:
    """keywords: the discriminative keywords with category, support, z, q, log_odds, score and lift on held-out notes.
    clusters: keyword, cluster, probability, label, x, y. stability: by cluster. holders: ids of notes by category and
    keyword, at most NOTES_A_KEYWORD each. supports: by keyword and category, how many notes hold it. graph: the nodes
    that ran, in Graphviz' language. names: kind by keyword that is a name. months: notes by month;
    by_month: those that hold a keyword; trends: words that rise or fall (months.py). Older runs lack the last four."""

    keywords: pd.DataFrame
    clusters: pd.DataFrame
    stability: dict[int, float]
    holders: dict[str, dict[str, list[int]]]
    counts: dict[str, Any]
    supports: dict[str, dict[str, int]]
    graph: str
    names: dict[str, str] = field(default_factory=dict)
    months: dict[str, int] = field(default_factory=dict)
    by_month: dict[str, dict[str, int]] = field(default_factory=dict)
    trends: pd.DataFrame = field(default_factory=pd.DataFrame)

    def notes_with(self, keyword: str, category: str | None = None) -> list[int]:
        """Ids of notes that hold a keyword, of one category or of all."""
        held = self.holders.get(keyword, {})
        if category is not None:
            return held.get(category, [])
        return [note_id for name in sorted(held) for note_id in held[name]]


def write_result(values: dict[str, Any], folder: Path) -> None:
    """Write what the page needs; the file appears whole or not at all."""
    table = values["keyword_statistics"]
    chosen = table[table["discriminative"].astype(bool)]
    held = values["held_out_check"]
    chosen = chosen.merge(held, how="left", on=["category", "keyword"]) if len(held) else chosen.assign(lift=np.nan)
    columns = ["category", "keyword", "support_in", "support_out", "z", "q", "log_odds", "score", "lift"]
    content = {
        "keywords": _plain(chosen[columns]),
        "clusters": _plain(values["clusters_table"]),
        "stability": {str(name): share for name, share in values["clusters"].stability.items()},
        "holders": _holders(values["cleaned"], set(chosen["keyword"])),
        "counts": values["note_counts"],
        "supports": _supports(table, set(chosen["keyword"])),
        "graph": values["graph"],
        **_over_time(values, set(chosen["keyword"])),
        "names": values["names"],
    }
    files.write_json(folder / "result.json", content)


def read_result(data_dir: Path, run_id: int, attempt: int) -> RunResult | None:
    """A finished run, or None when its file is gone. attempt: a run that was made again is read again."""
    path = files.notes_run_folder(data_dir, run_id) / "result.json"
    return _read(path, attempt) if path.is_file() else None


@lru_cache(maxsize=8)
def _read(path: Path, _attempt: int) -> RunResult:
    content = json.loads(path.read_text(encoding="utf-8"))
    return RunResult(
        pd.DataFrame(content["keywords"]),
        pd.DataFrame(content["clusters"]),
        {int(name): share for name, share in content["stability"].items()},
        content["holders"],
        content["counts"],
        content["supports"],
        content["graph"],
        content.get("names", {}),
        content.get("months", {}),
        content.get("by_month", {}),
        pd.DataFrame(content.get("trends", {})),
    )


def _over_time(values: dict[str, Any], keywords: set[str]) -> dict[str, Any]:
    months, held = values["months"], values["occurrences"]
    rising = trends(months, held)
    return {
        "months": dict(sorted(Counter(month for month in months if month).items())),
        "by_month": by_month(months, held, keywords | set(rising["keyword"])),
        "trends": _plain(rising),
    }


def _plain(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {
        str(name): [
            None if isinstance(value, float) and not np.isfinite(value) else value for value in table[name].tolist()
        ]
        for name in table.columns
    }


def _supports(table: pd.DataFrame, wanted: set[str]) -> dict[str, dict[str, int]]:
    rows = table[table["keyword"].isin(wanted)]
    found: dict[str, dict[str, int]] = {}
    for category, keyword, support in zip(rows["category"], rows["keyword"], rows["support_in"], strict=True):
        found.setdefault(str(keyword), {})[str(category)] = int(support)
    return found


def _holders(cleaned: pd.DataFrame, wanted: set[str]) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {word: {} for word in sorted(wanted)}
    terms = note_phrases(list(cleaned["processed_text"]))
    for number, category, held in zip(cleaned["row"], cleaned["category"], terms, strict=True):
        for word in set(held) & wanted:
            kept = found[word].setdefault(str(category), [])
            if len(kept) < NOTES_A_KEYWORD:
                kept.append(int(number))
    return found
