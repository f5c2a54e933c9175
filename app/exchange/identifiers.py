"""Names that R and Program MARK can read: no blanks, commas, slashes or comment signs, and never twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

# secr takes NONE for "no capture" and R's read.table takes NA for a missing value.
RESERVED = {"none", "na", "nan", "null", "true", "false", "inf"}


class ExportRefused(Exception):
    """The export cannot be made; nothing was written. The text says what is missing and where to fill it in."""


def identifiers(names: Iterable[str], prefix: str) -> dict[str, str]:
    """An identifier for each name: letters, digits, points and hyphens (no underscore, as secr asks for detectors).

    A name of which nothing is left becomes prefix and number; equal identifiers are kept apart by a number, and a name
    that is an identifier already keeps it.
    """
    listed = list(names)
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in listed:
        if name and _readable(name) == name and name.lower() not in RESERVED | taken:
            found[name] = name
            taken.add(name.lower())
    for number, name in enumerate(listed, start=1):
        if name in found:
            continue
        base = _readable(name)
        if not base or base.lower() in RESERVED:
            base = f"{prefix}{number}" if not base else f"{base}-{prefix}{number}"
        identifier, again = base, 1
        while identifier.lower() in taken:
            again += 1
            identifier = f"{base}-{again}"
        taken.add(identifier.lower())
        found[name] = identifier
    return found


def _readable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")
