"""What a table of notes holds, in figures that a person can check before trusting the keywords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from modal_backend.models.text.note_text import LONGEST_TEXT, clean

# About 256 tokens of English, what all-MiniLM-L6-v2 reads of a note.
LONG_CHARACTERS = 1200
LANGUAGE_SAMPLE = 400
# A few words can be any language; py3langid is sure of about 40 characters on.
LANGUAGE_CHARACTERS = 40
RARE_SHARE = 0.02
FEWEST_TO_TELL = 5


def count_notes(notes: pd.DataFrame, cleaned: pd.DataFrame) -> dict[str, Any]:
    """rows, empty, repeated (beyond their first), long (only their beginning is read by the model), cut (text beyond
    LONGEST_TEXT characters is left out), used, categories (notes each), languages (share of the notes that are long
    enough to tell)."""
    texts = [str(text) for text in notes["text"]]
    empty = sum(not clean(text) for text in texts)
    return {
        "rows": len(notes),
        "empty": empty,
        "repeated": len(notes) - empty - len(cleaned),
        "long": int((cleaned["processed_text"].str.len() > LONG_CHARACTERS).sum()),
        "cut": sum(len(text) > LONGEST_TEXT for text in texts),
        "used": len(cleaned),
        "categories": {str(name): int(count) for name, count in cleaned["category"].value_counts().items()},
        "languages": languages(list(cleaned["processed_text"])),
    }


def languages(texts: Sequence[str]) -> dict[str, float]:
    """Share of each language (ISO 639-1) among an even sample of the notes, most first; rare guesses are left out.

    Empty when fewer than FEWEST_TO_TELL notes are long enough.
    """
    from py3langid.langid import classify

    known = [text for text in texts if len(text) >= LANGUAGE_CHARACTERS]
    if len(known) < FEWEST_TO_TELL:
        return {}
    sample = known[:: max(1, len(known) // LANGUAGE_SAMPLE)][:LANGUAGE_SAMPLE]
    found: dict[str, int] = {}
    for text in sample:
        name = classify(text[:1000])[0]
        found[name] = found.get(name, 0) + 1
    shares = {name: round(count / len(sample), 3) for name, count in found.items()}
    return {
        name: share
        for name, share in sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
        if share >= RARE_SHARE
    }
