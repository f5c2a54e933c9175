"""The name that somebody gave a camera, among what else its bar says."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from modal_backend.models.stamps.bar import TextLine

SURE_SCORE = 0.8
SHORTEST, LONGEST = 2, 40
MAKERS = (
    "bushnell", "reconyx", "moultrie", "stealthcam", "stealth cam", "cuddeback", "browning", "covert", "primos",
    "spypoint", "tasco", "wildview", "scoutguard", "ltl acorn", "wildgame", "simmons", "campark", "apeman", "victure",
    "bolyguard", "uovision", "pugmark",
)  # fmt: skip
# What makers write beside their names.
WORDS = (
    "digital", "professional", "pc900 professional", "hc500 hyperfire", "hyperfire", "ultrafire", "dlccovert.com",
    "cameras.com", "bigf", "synthetic",
)  # fmt: skip
# What cameras are called that nobody has named.
DEFAULTS = (
    "trailcam", "trail cam", "moultriecam", "camera", "cameraname", "camera name", "my camera", "hf2 pro covert",
    "hf2 security",
)  # fmt: skip
NAME = re.compile(r"[^\W\d_]{2}|[^\W_]{2}.*[^\W\d_]|[^\W\d_]\d|^\d{3,}$")
NOUGHT = re.compile(r"(?<=\d)[oO]|[oO](?=\d)")
SIMILAR = 0.8


def label_of(lines: Sequence[TextLine]) -> str:
    """The camera's name: the longest text that is left and names no maker; empty where there is none.

    Args:
        lines: of the bar, without date, time, temperature and place in a burst.
    """
    texts = [_clean(line.text) for line in lines if line.score >= SURE_SCORE]
    named = [text for text in texts if SHORTEST <= len(text) <= LONGEST and NAME.search(text) and not _is_moon(text)]
    named = [text for text in named if not _is_one_of(WORDS, text)]
    makers = [text for text in named if _is_one_of(MAKERS, text)]
    # beside its maker's sign a camera that nobody has named writes the maker's name once more
    default = makers[-1] if len(makers) > 1 else ""
    return max((text for text in named if text not in makers), key=len, default=default)


def names_a_place(label: str) -> bool:
    """Whether somebody gave this name; False for those that cameras come with."""
    return bool(label) and not _is_one_of((*MAKERS, *WORDS, *DEFAULTS), label)


def _clean(text: str) -> str:
    text = " ".join(text.split()).strip(" .,:;-_()\"'*|°●")
    while (better := NOUGHT.sub("0", text)) != text:
        text = better
    return text


def _is_one_of(words: Sequence[str], text: str) -> bool:
    return bool(difflib.get_close_matches(text.lower(), words, 1, SIMILAR))


def _is_moon(text: str) -> bool:
    """Signs of the moon and of the battery are read as one or two letters or the same one many times."""
    return len(set(text.lower())) == 1 or (len(text) < 3 and text.isdigit())
