"""Log-odds of a word on two sides with an informative Dirichlet prior, and its z.

Monroe, Colaresi and Quinn, "Fightin' Words" (Political Analysis 16, 2008), equations 15 to 22, for notes with and
without the word. The prior weighs PRIOR_NOTES notes with the word's share in both sides together, plus JEFFREYS so that
a word absent from one side has a finite variance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PRIOR_NOTES = 10.0
JEFFREYS = 0.5

Counts = NDArray[np.float64]


def log_odds(inside: Counts, outside: Counts, notes_in: int, notes_out: int) -> tuple[Counts, Counts]:
    """Difference of the log-odds of a word inside and outside, and its z.

    Args:
        inside, outside: notes with the word on each side, (words,).
        notes_in, notes_out: all notes of each side.
    """
    share = (inside + outside) / (notes_in + notes_out)
    with_word, without = PRIOR_NOTES * share + JEFFREYS, PRIOR_NOTES * (1 - share) + JEFFREYS
    cells = inside + with_word, notes_in - inside + without, outside + with_word, notes_out - outside + without
    difference = np.log(cells[0] / cells[1]) - np.log(cells[2] / cells[3])
    return difference, difference / np.sqrt(sum(1 / cell for cell in cells))
