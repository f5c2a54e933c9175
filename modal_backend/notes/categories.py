"""Names that differ only by capitals, spaces or accents: River, RIVER, "river "."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable


def join_names(names: Iterable[str]) -> dict[str, str]:
    """For each name that is written in several ways the way that is most common; other names are not in it."""
    spellings: dict[str, Counter[str]] = {}
    for name in names:
        if name.strip():
            spellings.setdefault(plain_name(name), Counter())[name] += 1
    joined: dict[str, str] = {}
    for counts in spellings.values():
        if len(counts) > 1:
            best = counts.most_common(1)[0][0]
            joined |= {name: best for name in counts if name != best}
    return joined


def describe_joined(joined: dict[str, str]) -> list[str]:
    """Which names were joined, a name each: "River" (also "RIVER", "river ")."""
    ways: dict[str, list[str]] = {}
    for name, best in joined.items():
        ways.setdefault(best, []).append(name)
    return [f"“{best}” (also {', '.join(f'“{name}”' for name in names)})" for best, names in ways.items()]


def plain_name(name: str) -> str:
    """A name without capitals, accents and spaces that do not matter: two names that agree in it are one."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())
