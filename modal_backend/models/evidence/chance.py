"""How many agreeing features two different animals reach by chance, and what more of them prove.

RAPID_CHANCE: 99 in 100 pairs of different ATRW tigers have at most so many consistent matches on the animals.
MATCHER_CHANCE: the same of the matcher, for pairs of different tigers and cows that the other models hold most alike
(3,436 pairs); it matches all that stands alike, and its plane gives way more.
"""

from __future__ import annotations

RAPID_CHANCE, MATCHER_CHANCE = 8, 90
