"""Names that R and Program MARK can read: no blanks, commas, slashes or comment signs, and never twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.exchange.safe_cells import NUMBER, WHOLE

# secr takes NONE for "no capture"; R's read.table takes NA for a missing value, T and F for truth where
# nothing else is in the column, 01 for 1.
RESERVED = {"none", "na", "nan", "null", "true", "false", "inf"}
TRUTH = {"T", "F"}


class ExportRefused(Exception):
    """The export cannot be made; nothing was written. The text says what is missing and where to fill it in."""


def identifiers(names: Iterable[str], prefix: str) -> dict[str, str]:
    """An identifier for each name: letters, digits, points and hyphens (no underscore, as secr asks for detectors).

    A name of which nothing is left becomes prefix and number; equal identifiers are kept apart by a number, and a name
    that is an identifier already keeps it.
    """
    listed = list(names)
    found: dict[str, str] = {}
    taken = {name.lower() for name in TRUTH} if TRUTH.issuperset(listed) else set[str]()
    for name in sorted(listed, key=lambda name: not WHOLE.fullmatch(name)):
        if name and _readable(name) == name and _key(name) not in RESERVED | taken:
            found[name] = name
            taken.add(_key(name))
    for number, name in enumerate(listed, start=1):
        if name in found:
            continue
        base = _readable(name)
        if not base or base.lower() in RESERVED:
            base = f"{prefix}{number}" if not base else f"{base}-{prefix}{number}"
        identifier, again = base, 1
        while _key(identifier) in taken:
            again += 1
            identifier = f"{base}-{again}"
        taken.add(_key(identifier))
        found[name] = identifier
    return found


def _key(identifier: str) -> str:
    """What R may make of an identifier: two with the same may be mixed up."""
    is_number = NUMBER.fullmatch(identifier) and "x" not in identifier.lower()
    return str(float(identifier)) if is_number else identifier.lower()


def _readable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")
