"""Cells that come back as they were: no formula in a spreadsheet, no missing value in pandas or R."""

from __future__ import annotations

import re

# OWASP, "CSV injection": signs that start a formula, and those that some programs skip before looking.
STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# What pandas.read_csv takes for a missing value, and Camtrap DP's schemas and R with it.
MISSING = frozenset(
    (
        "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "n/a", "na", "null",
        "nan", "none",
    )
)  # fmt: skip
TRUTH = frozenset({"true", "false", "T", "F", "inf", "infinity"})  # R reads T and F so
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|0[xX][0-9a-fA-F]+")
WHOLE = re.compile(r"0|[1-9]\d{0,14}")
LONGEST_NUMBER = 20
RULE = (
    "A name that other programs would take for a formula, a missing value (NA, None), TRUE, FALSE or another number "
    "(01) has an apostrophe in front, and so has one that begins with an apostrophe. Take one apostrophe away and "
    "you have the name."
)


def safe_cell(value: object) -> object:
    """A text as a spreadsheet may have it; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    shown = value.replace("\x00", "")
    return f"'{shown}" if shown.lstrip(" ").startswith(STARTERS) or shown.startswith(STARTERS) else shown


def kept_cell(value: object) -> object:
    """A text that every reader of tables gives back as the same text, once `original` has seen it (see RULE)."""
    if not isinstance(value, str):
        return value
    number = len(value) <= LONGEST_NUMBER and NUMBER.fullmatch(value) and not WHOLE.fullmatch(value)
    if number or value in TRUTH or value.lower() in TRUTH or value.startswith("'"):
        return f"'{value}"
    return safe_cell(kept_present(value))


def kept_present(value: object) -> object:
    """A text that no reader takes for a missing value; all others stay as they are, but for a leading apostrophe."""
    odd = isinstance(value, str) and (value.strip().lower() in MISSING or value.startswith("'"))
    return f"'{value}" if odd else value


def original(text: str) -> str:
    """What `kept_cell` or `kept_present` was given."""
    return text[1:] if text.startswith("'") else text
