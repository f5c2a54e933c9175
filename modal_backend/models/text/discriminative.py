"""Which words tell categories apart: log-odds with an informative Dirichlet prior, exact tests, false discovery rate.

What is counted are notes that hold a word, not occurrences: ten mentions in one note are one observation. A category is
compared with all others together, by rates, so that its size does not matter.

z: see log_odds.py.
p: Fisher's exact test, one-sided (more often inside), mid-p (Lancaster 1961): the normal approximation behind z is too
bold for a category of twenty notes. Words are ranked by p: the prior behind z draws the words of a small category
towards the others. q: Benjamini and Hochberg (1995) over the words tested in one category; a word so
rare that it could not differ even with all its notes inside is not tested (Tarone 1990, Gilbert 2005) and has q = 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import false_discovery_control, hypergeom

from modal_backend.models.text.log_odds import Counts, log_odds

MIN_SUPPORT = 3
# A word of this many notes is compared and ranked. In a category of fewer notes than SMALL, a word that a quarter of
# them hold is often in two notes only: there one note less than the smallest support is enough, never a single one.
FEWEST_NOTES = 2
SMALL = 30
LEVEL = 0.05
SAME_NOTES = 0.9
COLUMNS = ["category", "keyword", "support_in", "support_out", "z", "q", "discriminative"]


@dataclass(frozen=True)
class Occurrences:
    """Which note holds which word.

    Attributes:
        terms: sorted.
        matrix: notes x terms, 1 where a note holds the term.
    """

    terms: list[str]
    matrix: csr_array


def occurrences(terms_by_note: Sequence[Sequence[str]], min_support: int = MIN_SUPPORT) -> Occurrences:
    """The occurrence matrix of words that at least FEWEST_NOTES notes hold and phrases of at least `min_support`."""
    held = [sorted(set(terms)) for terms in terms_by_note]
    counts = Counter(term for terms in held for term in terms)
    fewest = min(FEWEST_NOTES, min_support)
    kept = sorted(term for term, count in counts.items() if count >= (min_support if " " in term else fewest))
    place = {term: at for at, term in enumerate(kept)}
    columns = [[place[term] for term in terms if term in place] for terms in held]
    starts = np.cumsum([0, *map(len, columns)])
    indices = np.fromiter((column for row in columns for column in row), np.int64, starts[-1])
    matrix = csr_array((np.ones(len(indices)), indices, starts), shape=(len(held), len(kept)))
    return Occurrences(kept, matrix)


def without_repetition(held: Occurrences) -> Occurrences:
    """The same without phrases that say no more than one of their words, or than a longer phrase.

    "near snare" goes when nearly all notes with "snare" (SAME_NOTES) have it and "near" is also elsewhere; of words
    that only occur together, such as "salt lick", the longest phrase stays, and so do the words.
    """
    support = dict(zip(held.terms, np.asarray(held.matrix.sum(axis=0)).ravel().tolist(), strict=True))
    gone = set()
    for phrase in sorted(support, key=lambda term: -term.count(" ")):
        words = phrase.split()
        if len(words) == 1:
            continue
        same = [support[phrase] >= SAME_NOTES * support.get(word, np.inf) for word in words]
        if any(same) and not all(same):
            gone.add(phrase)
        if phrase not in gone:
            parts = (" ".join(words[at : at + len(words) - 1]) for at in (0, 1))
            gone.update(
                part for part in parts if " " in part and support[phrase] >= SAME_NOTES * support.get(part, np.inf)
            )
    kept = [at for at, term in enumerate(held.terms) if term not in gone]
    return Occurrences([held.terms[at] for at in kept], held.matrix[:, kept])


def discriminative(
    held: Occurrences,
    categories: Sequence[str],
    *,
    min_support: int = MIN_SUPPORT,
    level: float = LEVEL,
) -> pd.DataFrame:
    """Every word tested in every category that holds it: COLUMNS, then log_odds and p; smallest p first by category.

    discriminative: q below `level`, more often inside than outside, and in at least `min_support` notes of the
    category (one less where it is SMALL, never fewer than FEWEST_NOTES). With fewer than two categories there is
    nothing to compare and the table is empty.
    """
    labels = np.asarray(categories, dtype=object)
    names = sorted(set(categories))
    if len(names) < 2 or not held.terms:
        return _frame([])
    total = np.asarray(held.matrix.sum(axis=0)).ravel()
    tables = []
    for name in names:
        inside = labels == name
        support = np.asarray(held.matrix[np.flatnonzero(inside)].sum(axis=0)).ravel()
        size = int(inside.sum())
        table = _category(name, held.terms, support, total - support, size, len(labels), level)
        needed = max(min_support - (size < SMALL), FEWEST_NOTES)
        tables.append(table.assign(enough=table["support_in"] >= needed))
    table = pd.concat(tables, ignore_index=True)
    table["discriminative"] = (table["q"] < level) & (table["log_odds"] > 0) & table["enough"]
    return _frame([table])


def _category(
    name: str, terms: list[str], inside: Counts, outside: Counts, size: int, notes: int, level: float
) -> pd.DataFrame:
    odds, z = log_odds(inside, outside, size, notes - size)
    p = exact_p(inside, outside, size, notes - size)
    most = np.minimum(inside + outside, size)
    tested = exact_p(most, inside + outside - most, size, notes - size) < level
    q = np.ones(len(terms))
    q[tested] = false_discovery_control(p[tested])
    table = pd.DataFrame(
        {
            "category": name,
            "keyword": terms,
            "support_in": inside.astype(int),
            "support_out": outside.astype(int),
            "z": z.round(4),
            "q": q,
            "log_odds": odds.round(4),
            "p": p,
        }
    )
    words = table["keyword"].str.count(" ")
    table = table.assign(words=words, side=-np.sign(odds))
    table = table.sort_values(["side", "p", "z", "words", "keyword"], ascending=[True, True, False, True, True])
    return table[table["support_in"] > 0].drop(columns=["side", "words"])


def _frame(tables: list[pd.DataFrame]) -> pd.DataFrame:
    columns = [*COLUMNS, "log_odds", "p"]
    if not tables:
        return pd.DataFrame({name: pd.Series(dtype=bool if name == "discriminative" else object) for name in columns})
    return pd.concat(tables, ignore_index=True).reindex(columns=columns)


def exact_p(inside: Counts, outside: Counts, notes_in: int, notes_out: int) -> Counts:
    """One-sided mid-p of Fisher's exact test that a word is in no more notes inside than its share."""
    law = hypergeom(notes_in + notes_out, inside + outside, notes_in)
    return np.clip(law.sf(inside) + 0.5 * law.pmf(inside), 0.0, 1.0)


def held_out(held: Occurrences, categories: Sequence[str], seed: int, min_support: int = MIN_SUPPORT) -> pd.DataFrame:
    """What remains of the keywords on notes that had no part in choosing them.

    Half of each category's notes, drawn by the seed, choose; the other half is looked at. One row a keyword chosen:
    category, keyword, precision (share of the notes with the word that are of the category), lift (precision over
    the category's share of all notes), holds (lift above 1).
    """
    labels = np.asarray(categories, dtype=object)
    choosing = _half(labels, seed)
    train = Occurrences(held.terms, held.matrix[np.flatnonzero(choosing)])
    table = discriminative(train, list(labels[choosing]), min_support=min_support)
    chosen = table.loc[table["discriminative"].astype(bool), ["category", "keyword"]].reset_index(drop=True)
    test, rest = held.matrix[np.flatnonzero(~choosing)], labels[~choosing]
    place = {term: at for at, term in enumerate(held.terms)}
    total = np.asarray(test.sum(axis=0)).ravel()
    inside = {name: np.asarray(test[np.flatnonzero(rest == name)].sum(axis=0)).ravel() for name in set(labels)}
    precision, lift = [], []
    for name, word in chosen.itertuples(index=False):
        found = total[place[word]]
        share = float(inside[name][place[word]] / found) if found else 0.0
        base = float((rest == name).mean())
        precision.append(round(share, 4))
        lift.append(round(share / base, 4) if base else 0.0)
    return chosen.assign(precision=precision, lift=lift, holds=[ratio > 1 for ratio in lift])


def _half(labels: NDArray[np.object_], seed: int) -> NDArray[np.bool_]:
    random = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for name in sorted(set(labels)):
        places = np.flatnonzero(labels == name)
        chosen[random.permutation(places)[: (len(places) + 1) // 2]] = True
    return chosen
