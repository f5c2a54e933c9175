"""The route that the species field asks."""

from __future__ import annotations

from starlette.testclient import TestClient


def test_species_are_found_with_the_name_that_fits_and_the_english_one(client: TestClient):
    answer = client.get("/api/species", params={"q": "rotfuchs"})
    assert answer.json()[0] == {"name": "Vulpes vulpes", "common": "Rotfuchs · Red Fox"}


def test_odd_questions_find_nothing(client: TestClient):
    for words in ("", "x" * 10_000, "<img src=x>", "\x00"):
        assert client.get("/api/species", params={"q": words}).json() == []
