"""How many agreeing features two different animals reach by chance, and what more of them prove.

RAPID_CHANCE: 99 in 100 pairs of different ATRW tigers have at most so many consistent matches on the animals.
MATCHER_CHANCE: the same of the matcher, for pairs of different tigers and cows that the other models hold most alike
(3,436 pairs: 90 with 512 points a crop; of 400 pairs 57 then and 65 with 768, a seventh more); it matches all that
stands alike, and its plane gives way more.
"""

from __future__ import annotations

from typing import Literal

RAPID_CHANCE, MATCHER_CHANCE = 8, 100
# How alike the matcher must find the animals (`Evidence.alike`) to withdraw RAPID's mark "lives on the background".
# On the 15 tigers it was set on RAPID marks 39 of 371 true pairs and 300 of 309 composed ones that match; with it 9 and
# 297, by the sum of the matcher's confidences, from 12 on, 10 and 286: it is sure of different coats too.
WITHDRAWS = 1.4
# Matches on the animals, and the probability of "same" that is proven by as many (RAPID). Of 1,600 pairs of different
# tigers and cows, half of them those most alike by embedding, none has more than 13; of 400 pairs of one tiger half
# have 36 and more.
PROVEN = ((16, 0.8), (24, 0.95), (40, 0.98))


def proven(agreeing: int) -> float:
    """The least probability that two crops show one individual, by RAPID's matches on the animals alone; 0 for few."""
    return max((least for matches, least in PROVEN if agreeing >= matches), default=0.0)


def marked_by(rapid: bool, agreeing: int, matcher: bool, alike: float) -> Literal["RAPID", "matcher"] | None:
    """Whose finding that a match lives on the background stands; the first falls where the other finds the animals.

    Args:
        rapid, matcher: whether its own test finds that.
        agreeing: RAPID's consistent matches on the animals alone.
        alike: how alike the matcher finds the animals alone, see `Evidence`; 0 while it has not compared the crops.
    """
    if rapid and alike < WITHDRAWS:
        return "RAPID"
    return "matcher" if matcher and agreeing < RAPID_CHANCE else None
