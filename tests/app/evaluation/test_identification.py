"""Evaluation of identification: hand-computed figures, odd tables, and the real tigers."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app.evaluation.identification import UnusableTable, rank_csv, read_rows, score
from tests.support.striped import picture

Rows = list[tuple[str, str, str]]


@pytest.fixture
def one_torch_thread() -> Iterator[None]:
    """Threads that wait for a busy core make a small network ten times slower."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def table(folder: Path, rows: Rows, columns: tuple[str, ...] = ("path", "identity", "split")) -> Path:
    path = folder / "crops.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def crops(folder: Path, animals: int, gallery_shots: int, query_animals: int) -> Rows:
    rows = []
    for animal in range(query_animals):
        for shot in range(gallery_shots + 1):
            if shot < gallery_shots and animal >= animals:
                continue
            path = f"{animal}_{shot}.png"
            Image.fromarray(picture(animal, shot)).save(folder / path)
            rows.append((path, f"animal {animal}", "query" if shot == gallery_shots else "gallery"))
    return rows


def test_figures_agree_with_a_case_computed_by_hand():
    rows = [
        {"path": "g1", "identity": "a", "split": "gallery"},
        {"path": "g2", "identity": "b", "split": "gallery"},
        {"path": "g3", "identity": "c", "split": "gallery"},
        {"path": "q1", "identity": "a", "split": "query"},
        {"path": "q2", "identity": "b", "split": "query"},
        {"path": "q3", "identity": "c", "split": "query"},
        {"path": "q4", "identity": "c", "split": "query"},
        {"path": "q5", "identity": "x", "split": "query"},
        {"path": "q6", "identity": "y", "split": "query"},
    ]
    queries = [
        {"path": "q1", "ranking": [["a", 3.0], ["b", 1.0]], "known_probability": 0.9},
        {"path": "q2", "ranking": [["a", 3.0], ["b", 1.0]], "known_probability": 0.5},
        {"path": "q3", "ranking": [["a", 3.0], ["b", 1.0]], "known_probability": 0.2},
        {"path": "q5", "ranking": [["a", 3.0]], "known_probability": 0.6},
        {"path": "q6", "ranking": [], "known_probability": 0.1},
    ]
    figures = score({"queries": queries, "failed": [{"path": "q4", "reason": "broken"}]}, rows)
    assert figures["queries"] == 3
    assert figures["of"] == 4
    assert figures["top1"] == pytest.approx(1 / 3)
    assert figures["top5"] == pytest.approx(2 / 3)
    assert figures["map"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert figures["cmc"][:3] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert figures["auroc"] == pytest.approx((2 + 1 + 1) / 6)
    assert figures["accepted_known"] == pytest.approx(2 / 3)
    assert figures["refused_unknown"] == pytest.approx(1 / 2)
    assert figures["failed"] == 1


def test_nothing_to_count_is_none_and_not_zero():
    figures = score({"queries": []}, [])
    assert figures["top1"] is None
    assert figures["map"] is None
    assert figures["auroc"] is None
    assert figures["accepted_known"] is None
    assert figures["cmc"] == []


def test_rapid_ranks_a_generated_table(tmp_path: Path):
    path = table(tmp_path, crops(tmp_path, animals=9, gallery_shots=2, query_animals=12))
    result = rank_csv(path, "rapid")
    assert result["model"] == "rapid"
    assert result["version"]
    assert result["gallery"] == 18
    assert result["failed"] == []
    assert [query["path"] for query in result["queries"]] == [f"{animal}_2.png" for animal in range(12)]
    figures = score(result, read_rows(path))
    assert figures["queries"] == figures["of"] == 9
    assert figures["top1"] == 1.0
    assert figures["accepted_known"] >= 8 / 9
    assert figures["refused_unknown"] == 1.0


def test_the_pocket_embedding_ranks_a_generated_table(tmp_path: Path, one_torch_thread: None):
    path = table(tmp_path, crops(tmp_path, animals=4, gallery_shots=1, query_animals=5))
    result = rank_csv(path, "pocket-embedding")
    assert len(result["weights_sha256"]) == 64
    assert score(result, read_rows(path))["top1"] >= 0.5
    assert all(0 <= query["known_probability"] <= 1 for query in result["queries"])


def test_pictures_that_cannot_be_read_are_listed_and_the_run_goes_on(tmp_path: Path):
    rows = crops(tmp_path, animals=3, gallery_shots=1, query_animals=3)
    (tmp_path / "text.jpg").write_text("no picture")
    whole = (tmp_path / "0_0.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    rows += [
        ("absent.jpg", "animal 0", "query"),
        ("text.jpg", "animal 1", "gallery"),
        ("cut.png", "z", "query"),
    ]
    result = rank_csv(table(tmp_path, rows), "rapid")
    assert [failure["path"] for failure in result["failed"]] == ["absent.jpg", "text.jpg", "cut.png"]
    assert all(failure["reason"] for failure in result["failed"])
    assert len(result["queries"]) == 3


@pytest.mark.parametrize("model", ["rapid", "pocket-embedding"])
def test_without_a_gallery_every_ranking_is_empty(tmp_path: Path, model: str):
    rows = [row for row in crops(tmp_path, animals=2, gallery_shots=1, query_animals=2) if row[2] == "query"]
    path = table(tmp_path, rows)
    result = rank_csv(path, model)
    assert result["gallery"] == 0
    assert [(query["ranking"], query["known_probability"]) for query in result["queries"]] == [([], None)] * 2
    assert score(result, read_rows(path))["top1"] is None


def test_unusable_tables_say_what_is_wrong(tmp_path: Path):
    with pytest.raises(UnusableTable, match="identity, split"):
        rank_csv(table(tmp_path, [("a.jpg",)], columns=("path",)), "rapid")
    with pytest.raises(UnusableTable, match=r"line 3.*'test'"):
        rank_csv(table(tmp_path, [("a.jpg", "a", "query"), ("b.jpg", "b", "test")]), "rapid")
    with pytest.raises(ValueError, match="no model 'nobody'"):
        rank_csv(table(tmp_path, []), "nobody")


FLOORS = {
    "rapid": {"top1": 0.93, "auroc": 0.93, "accepted_known": 0.85, "refused_unknown": 0.85},
    "pocket-embedding": {"top1": 0.90, "auroc": 0.88, "accepted_known": 0.75, "refused_unknown": 0.80},
}


@pytest.mark.skipif("PUGMARK_TEST_DATA" not in os.environ, reason="PUGMARK_TEST_DATA names no folder of real data")
@pytest.mark.parametrize("model", ["rapid", pytest.param("pocket-embedding", marks=pytest.mark.benchmark)])
def test_real_tigers_are_told_apart(model: str, one_torch_thread: None):
    path = Path(os.environ["PUGMARK_TEST_DATA"]) / "tigers" / "tigers.csv"
    figures = score(rank_csv(path, model), read_rows(path))
    assert figures["queries"] == figures["of"] == 48
    for name, floor in FLOORS[model].items():
        assert figures[name] >= floor, f"{name}: {figures[name]}"
