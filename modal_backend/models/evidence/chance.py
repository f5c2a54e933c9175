"""How many agreeing features two different animals reach by chance, and what more of them prove.

RAPID_CHANCE: 99 in 100 pairs of different ATRW tigers have at most so many consistent matches on the animals.
MATCHER_CHANCE: the same of the matcher, for pairs of different tigers and cows that the other models hold most alike
(3,436 pairs); it matches all that stands alike, and its plane gives way more.
"""

from __future__ import annotations

RAPID_CHANCE, MATCHER_CHANCE = 8, 90
# The matcher's matches on the animals alone that withdraw RAPID's mark "lives on the background". On 15 tigers it was
# not set on RAPID marks 7 of 120 true pairs and 49 of 55 composed ones; with it 2 and 46.
WITHDRAWS = 40
# Matches on the animals, and the probability of "same" that is proven by as many (RAPID). Of 1,600 pairs of different
# tigers and cows, half of them those most alike by embedding, none has more than 13; of 400 pairs of one tiger half
# have 36 and more.
PROVEN = ((16, 0.8), (24, 0.95), (40, 0.98))


def proven(agreeing: int) -> float:
    """The least probability that two crops show one individual, by RAPID's matches on the animals alone; 0 for few."""
    return max((least for matches, least in PROVEN if agreeing >= matches), default=0.0)
