"""What a table of notes holds, in figures that a person can check before trusting the keywords."""

from __future__ import annotations

from typing import Any

import pandas as pd

from modal_backend.models.text.languages import languages
from modal_backend.models.text.note_text import LONGEST_TEXT, clean

# About 256 tokens of English, what all-MiniLM-L6-v2 reads of a note.
LONG_CHARACTERS = 1200


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
