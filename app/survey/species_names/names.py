"""Finds species by any of their names."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modal_backend.notes.categories import plain_name

FILE = Path(__file__).parent / "names.tsv.gz"
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Species:
    """A species with its common names by language (ISO 639-1); the first of a language is its usual one."""

    name: str
    common: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Match:
    """A species that was found. by: the name that fits the words, empty for the scientific one."""

    species: Species
    by: str
    language: str


@cache
def known() -> dict[str, Species]:
    """All species by scientific name."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        rows = (line.rstrip("\n").split("\t") for line in lines)
        return {
            name: Species(name, {entry[:2]: tuple(entry[3:].split("|")) for entry in entries})
            for name, *entries in rows
        }


def common_name(name: str, language: str = "en") -> str:
    """The usual common name of a species, empty where none is known."""
    species = known().get(name)
    return species.common.get(language, ("",))[0] if species else ""


def find(words: str, limit: int) -> list[Match]:
    """The species with a name that holds all these words; case and accents do not count.

    Names that begin with the words come first, then those with a word that does; shorter ones before longer ones.
    """
    text = plain_name(words)
    parts = text.split()
    if not parts or (len(text) < SHORTEST and text.isascii()):  # one sign of Chinese is a whole name
        return []
    found: dict[str, tuple[tuple[int, int, int], str, str]] = {}
    for place, (form, name, by, language) in enumerate(_forms()):
        if not all(part in form for part in parts):
            continue
        rank = (0 if form.startswith(text) else 1 if f" {text}" in form else 2, len(form), place)
        if name not in found or rank < found[name][0]:
            found[name] = rank, by, language
    best = sorted(found.items(), key=lambda item: item[1][0])[:limit]
    return [Match(known()[name], by, language) for name, (_, by, language) in best]


@cache
def last_words() -> frozenset[str]:
    """The last words of all common names, as `plain_name` has them: tiger, deer, langur."""
    return frozenset(form.split()[-1] for form, _, _, language in _forms() if language and form)


@cache
def _forms() -> list[tuple[str, str, str, str]]:
    """Every name as it is searched: plain, the species it belongs to, as it is written, its language."""
    forms = []
    for species in known().values():
        forms.append((plain_name(species.name), species.name, "", ""))
        for language, labels in species.common.items():
            forms += [(plain_name(label), species.name, label, language) for label in labels]
    return forms
