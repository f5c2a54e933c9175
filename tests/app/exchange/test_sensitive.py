"""Which species are sensitive: by every name people use for them, and no others."""

from __future__ import annotations

import pytest

from app.exchange.coordinates import coarse
from app.exchange.sensitive import is_sensitive


@pytest.mark.parametrize(
    ("species", "sensitive"),
    [
        ("Panthera tigris", True),
        ("tiger", True),
        (None, True),
        ("Manis javanica", True),
        ("Axis axis", False),
        ("Panthera tigris sumatrae", True),
        ("Bengal tiger", True),
        ("Tigre de Sumatra", True),
        ("tigre, macho", True),
        ("बाघ", True),
        ("Schneeleopard", True),
        ("Léopard des neiges", True),
        ("雪豹", True),
        ("Asian elephant", True),
        ("tiger (cub)", True),
        ("Panthera sp.", True),
        ("tigers", True),
        ("Two lionesses", True),
        ("Panthera_tigris", True),
        ("panthera-pardus", True),
        ("P. tigris", True),
        ("Tiger/male", True),
        ("tiger?", True),
        ("tigress", True),
        ("东北虎", True),
        ("アムールトラ", True),
        ("시베리아호랑이", True),
        ("เสือโคร่ง", True),
        ("বাঘ", True),
        ("வங்கப்புலி", False),  # compounds of spaced scripts are not taken apart
        ("வங்கப் புலி", True),
        ("hổ", True),
        ("Leopard cat", False),
        ("leopard cats", False),
        ("chital", False),
        ("梅花鹿", False),
        ("fox", False),
        ("P. larvata", False),
        ("Chat-léopard", False),
        ("sanglier", False),
        ("lionfish", False),
    ],
)
def test_which_species_are_sensitive(species, sensitive):
    assert is_sensitive(species) is sensitive


def test_a_place_that_may_not_be_exact_is_rounded():
    assert coarse((10.123456, 77.987654), exact=False) == (10.1, 78.0)
    assert coarse((10.123456, 77.987654), exact=True) == (10.12346, 77.98765)
