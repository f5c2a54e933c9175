"""The languages of notes, by py3langid: those of all together first, then of each note among them."""

from __future__ import annotations

from collections.abc import Sequence

ENGLISH = "en"
LANGUAGE_SAMPLE = 400
# A few words can be any language; py3langid is sure of about 40 characters on.
LANGUAGE_CHARACTERS = 40
LONGEST_READ = 1000
RARE_SHARE = 0.02
# A language that fewer of the longer notes are in is taken for a wrong guess.
SPOKEN_SHARE = 0.05
FEWEST_TO_TELL = 5


def languages(texts: Sequence[str]) -> dict[str, float]:
    """Share of each language (ISO 639-1) among an even sample of the notes, most first; rare guesses are left out.

    Empty when fewer than FEWEST_TO_TELL notes are long enough.
    """
    from py3langid.langid import classify

    known = [text for text in texts if len(text) >= LANGUAGE_CHARACTERS]
    if len(known) < FEWEST_TO_TELL:
        return {}
    sample = known[:: max(1, len(known) // LANGUAGE_SAMPLE)][:LANGUAGE_SAMPLE]
    found: dict[str, int] = {}
    for text in sample:
        name = classify(text[:LONGEST_READ])[0]
        found[name] = found.get(name, 0) + 1
    shares = {name: round(count / len(sample), 3) for name, count in found.items()}
    return {
        name: share
        for name, share in sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
        if share >= RARE_SHARE
    }


def note_languages(texts: Sequence[str]) -> list[str]:
    """The language of each note (ISO 639-1): the likeliest of those that SPOKEN_SHARE of the longer notes are in, so
    that a short note is not taken for a language nobody writes here. English where that cannot be told."""
    spoken = {name for name, share in languages(texts).items() if share >= SPOKEN_SHARE} or {ENGLISH}
    if len(spoken) == 1:
        return list(spoken) * len(texts)
    from py3langid.langid import rank

    return [next(name for name, _ in rank(text[:LONGEST_READ]) if name in spoken) for text in texts]
