"""Notes with known answers: words planted in one category each, among words that differ nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Planted:
    """table: text, category; planted: the words of each category; neutral: words that differ nowhere; once: a word
    that occurs once in all notes."""

    table: pd.DataFrame
    planted: dict[str, set[str]]
    neutral: set[str]
    once: str


def planted_notes(
    seed: int,
    sizes: Sequence[int],
    *,
    words: int = 5,
    neutral: int = 250,
    share_in: float = 0.35,
    share_out: float = 0.01,
    length: int = 14,
) -> Planted:
    """`sizes` notes of each category; a planted word is in `share_in` of its category's notes and `share_out` of the
    others; the neutral words follow Zipf's law."""
    random = np.random.default_rng(seed)
    spelled = _words(random, neutral + words * len(sizes) + 1)
    ordinary = spelled[:neutral]
    planted = {
        f"site {number + 1}": spelled[neutral + number * words : neutral + (number + 1) * words]
        for number in range(len(sizes))
    }
    law = 1 / np.arange(1, neutral + 1) ** 0.9
    rows = []
    for (name, mine), size in zip(planted.items(), sizes, strict=True):
        for _ in range(size):
            text = list(random.choice(ordinary, length, p=law / law.sum()))
            text += [word for word in mine if random.random() < share_in]
            text += [word for other, theirs in planted.items() if other != name for word in theirs
                     if random.random() < share_out]  # fmt: skip
            random.shuffle(text)
            rows.append((" ".join(text), name))
    table = pd.DataFrame(rows, columns=["text", "category"])
    table.loc[0, "text"] += " " + spelled[-1]
    table = table.sample(frac=1, random_state=seed, ignore_index=True)
    return Planted(table, {name: set(mine) for name, mine in planted.items()}, set(ordinary), spelled[-1])


def _words(random: np.random.Generator, count: int) -> list[str]:
    starts, middles, ends = list("bdfgklmnprstvz"), list("aeiou"), ["n", "r", "l", "k", "sh", "th"]
    found: dict[str, None] = {}
    while len(found) < count:
        parts = [random.choice(starts), random.choice(middles), random.choice(starts), random.choice(middles)]
        found["".join([*parts, random.choice(ends)])] = None
    return list(found)
