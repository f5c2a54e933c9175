"""Find the reader for a file by what is in it."""

from __future__ import annotations

from pathlib import Path

from app.exchange.incoming.entries import BrokenResults, Source, UnknownResults
from app.exchange.incoming.json_files import beginning, outline
from app.exchange.incoming.megadetector import bare_list, megadetector, pytorch_wildlife, speciesnet

LARGEST = 4 * 1024**3
JSON_READERS = (megadetector, speciesnet, pytorch_wildlife, bare_list)
KNOWN = (
    "Results that can be brought in: MegaDetector JSON (also of AddaxAI), SpeciesNet predictions, PytorchWildlife. "
    "COCO and Camtrap DP are taken over under “Take over who and what people saw on images”."
)


def recognise(path: Path) -> Source:
    """The source that a file is. Raises UnknownResults, BrokenResults, or OSError where it cannot be read."""
    size = path.stat().st_size
    if size > LARGEST:
        raise UnknownResults(f"The file is larger than {LARGEST // 1024**3} GB. Split it.")
    head = beginning(path)
    if not head:
        raise BrokenResults("The file is empty.")
    if head[:1] not in (b"{", b"["):
        raise UnknownResults(f"This is no file of results that Pugmark knows. {KNOWN}")
    top = outline(path)
    for reader in JSON_READERS:
        if source := reader(path, top):
            return source
    names = ", ".join(sorted({*top.values, *top.first})[:8])
    if not names or ("detection_categories" in top.values and "images" not in top.first):
        raise UnknownResults(f"The file names no image. {KNOWN}")
    raise UnknownResults(f"This JSON holds {names[:200]}: no results that Pugmark knows. {KNOWN}")
