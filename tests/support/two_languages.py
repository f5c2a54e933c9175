"""Notes in two languages with known answers: each note is in one of them, and each category has words in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.survey.species_names.names import known
from modal_backend.models.text.note_text import WORD, phrases
from modal_backend.models.text.stop_words import stop_words
from tests.support.planted_notes import Planted

WORDS = 3
NEUTRAL = 150
LENGTH = 9


def two_languages(
    seed: int, sizes: Sequence[int], languages: tuple[str, str], *, share_in: float = 0.4, share_out: float = 0.02
) -> Planted:
    """`sizes` notes of each category, half of them in each language; a planted word is in `share_in` of its category's
    notes of its language and in `share_out` of the others of it. Every other word of a note is a function word."""
    random = np.random.default_rng(seed)
    vocabulary = {language: _words(random, language, NEUTRAL + WORDS * len(sizes)) for language in languages}
    functions = {
        language: list(random.permutation(sorted(word for word in stop_words(language) if WORD.fullmatch(word)))[:40])
        for language in languages
    }
    law = 1 / np.arange(1, NEUTRAL + 1) ** 0.9
    names = [f"site {number + 1}" for number in range(len(sizes))]
    mine = {
        (name, language): vocabulary[language][NEUTRAL + WORDS * at : NEUTRAL + WORDS * (at + 1)]
        for at, name in enumerate(names)
        for language in languages
    }
    rows = []
    for name, size in zip(names, sizes, strict=True):
        for number in range(size):
            language = languages[number % 2]
            text = list(random.choice(vocabulary[language][:NEUTRAL], LENGTH, p=law / law.sum()))
            for other in names:
                share = share_in if other == name else share_out
                text += [word for word in mine[other, language] if random.random() < share]
            random.shuffle(text)
            between = random.choice(functions[language], len(text))
            rows.append((" ".join(word for pair in zip(between, text, strict=True) for word in pair), name))
    table = pd.DataFrame(rows, columns=["text", "category"]).sample(frac=1, random_state=seed, ignore_index=True)
    planted = {name: {word for language in languages for word in mine[name, language]} for name in names}
    neutral = {word for language in languages for word in vocabulary[language][:NEUTRAL]}
    return Planted(table, planted, neutral, "")


def _words(random: np.random.Generator, language: str, count: int) -> list[str]:
    """Words of the names of animals in a language that are words of notes as well."""
    found = {
        word
        for species in known().values()
        for label in species.common.get(language, ())
        for word in phrases(label, (1, 1), language)
        if len(word) > 3 and "-" not in word
    }
    return list(random.permutation(sorted(found))[:count])
