"""Days are understood as people write them; where day and month may be swapped, the column tells or it is asked."""

from __future__ import annotations

import pytest

from modal_backend.notes.dates import days_of


@pytest.mark.parametrize(
    ("texts", "days", "doubtful"),
    [
        (["2024-03-12", "20240312", "2024/3/5 07:10"], ["2024-03-12", "2024-03-12", "2024-03-05"], ""),
        (["12.03.2024", "1.3.24"], ["2024-03-12", "2024-03-01"], ""),
        (["3/4/2024", "4/4/2024"], ["", "2024-04-04"], "3/4/2024"),
        (["3/14/2024", "3/4/2024"], ["2024-03-14", "2024-03-04"], ""),
        (["14/3/2024", "3/4/24"], ["2024-03-14", "2024-04-03"], ""),
        (["12-Mar-24", "Mar 5, 2024", "5. März 2024"], ["2024-03-12", "2024-03-05", "2024-03-05"], ""),
        (["12 de marzo de 2024", "1er juin 2024", "3 juillet 2024"], ["2024-03-12", "2024-06-01", "2024-07-03"], ""),
        (["45352", "45353.25"], ["2024-03-01", "2024-03-02"], ""),
        (["soon", "31.02.2024", "2024-13-01", "202412", ""], [""] * 5, ""),
    ],
)
def test_days_of_a_column(texts, days, doubtful):
    assert days_of(texts) == (days, doubtful)
