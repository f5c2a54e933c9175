"""Splits of a labelled table, and evaluations that are kept."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.evaluation import splits
from app.evaluation.identification import evaluate_csv
from app.evaluation.saved import save_evaluation, saved_evaluations
from modal_backend.models.probability.calibration import start
from tests.support.striped import picture

ROWS = [
    {"path": f"{animal}_{shot}.png", "identity": str(animal), "split": "gallery"}
    for animal in range(10)
    for shot in range(8)
]


def identities(rows: list[int]) -> set[str]:
    return {ROWS[row]["identity"] for row in rows}


def test_a_random_split_keeps_a_fifth_of_the_identities_out_of_the_gallery():
    cut = splits.at_random(ROWS, seed=1)
    assert not set(cut.gallery) & set(cut.queries)
    assert len(identities(cut.gallery)) == 8
    assert identities(cut.queries) == {str(animal) for animal in range(10)}
    assert len(cut.queries) == 10 * 2
    assert splits.at_random(ROWS, seed=1) == cut
    assert splits.at_random(ROWS, seed=2) != cut


def test_one_picture_each_is_the_gallery():
    cut = splits.one_picture(ROWS, seed=0)
    assert len(cut.gallery) == len(identities(cut.gallery)) == 10
    assert len(cut.queries) == 70


def test_no_event_is_on_both_sides():
    events = np.array([10 * int(row["identity"]) + number % 8 // 3 for number, row in enumerate(ROWS)])
    for seed in range(5):
        cut = splits.event_disjoint(ROWS, events, seed)
        assert not set(events[cut.gallery]) & set(events[cut.queries])
        assert identities(cut.queries) & identities(cut.gallery)


def test_an_identity_with_one_event_is_only_in_the_gallery_or_unknown():
    cut = splits.event_disjoint(ROWS, np.array([int(row["identity"]) for row in ROWS]), 0)
    assert not identities(cut.queries) & identities(cut.gallery)


def test_events_come_from_the_table_where_it_has_them():
    rows = [{**row, "event": row["path"][-5] < "4"} for row in ROWS]
    rows = [{**row, "event": "morning" if row["event"] else "night"} for row in rows]
    events, how = splits.events_of(rows, None)
    assert how == splits.BY_COLUMN
    assert len(set(events)) == 20


def test_events_come_from_times_less_than_a_minute_apart():
    times = ["2024-01-01T05:00:00", "2024-01-01T05:00:50", "2024-01-01T05:01:40", "2024-01-01T07:00:00"]
    rows = [{"path": "", "identity": "a", "split": "query", "taken_at": time} for time in times]
    rows.append({**rows[0], "identity": "b"})
    events, how = splits.events_of(rows, None)
    assert how == splits.BY_TIME
    assert events[0] == events[1] == events[2] != events[3]
    assert events[4] not in events[:4]


def test_without_either_pictures_that_look_alike_are_one_event():
    vectors = np.array([[1, 0], [0.95, 0.3122], [0, 1], [1, 0]], np.float32)
    rows = [{"path": "", "identity": identity, "split": "query"} for identity in "aaab"]
    events, how = splits.events_of(rows, vectors)
    assert how == splits.BY_LOOK
    assert events[0] == events[1] != events[2]
    assert events[3] != events[0]
    assert splits.events_of(rows, None) is None


def test_an_evaluation_reports_every_split(tmp_path: Path):
    rows = []
    for animal in range(5):
        for shot in range(3):
            path = f"{animal}_{shot}.png"
            Image.fromarray(picture(animal, shot)).save(tmp_path / path)
            rows.append((path, str(animal), "query" if shot == 2 else "gallery", f"event {shot}"))
    with (tmp_path / "crops.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "identity", "split", "event"), *rows])
    document, figures = evaluate_csv(tmp_path / "crops.csv", "rapid", draws=2)
    assert len(document["queries"]) == 5
    assert figures["top1"] == 1.0
    for name in ("random", "one_picture", "event_disjoint"):
        assert figures[name]["top1"] == figures[name]["top1_worst"] == figures[name]["map"] == 1.0
    assert figures["random"]["accuracy"] >= 0.5
    assert figures["events"] == splits.BY_COLUMN


DAYS = [{"identity": str(number % 5), "day": f"2024030{number // 10 + 1}"} for number in range(40)]


def test_the_last_two_days_are_asked_about_and_the_gallery_holds_the_days_before():
    cut = splits.last_occasions(DAYS)
    assert {DAYS[row]["day"] for row in cut.queries} == {"20240303", "20240304"}
    assert {DAYS[row]["day"] for row in cut.gallery} == {"20240301", "20240302"}
    assert len(cut.queries) + len(cut.gallery) == len(DAYS)
    fewer = splits.last_occasions(DAYS, seed=0)
    assert fewer.queries == cut.queries
    assert len({DAYS[row]["identity"] for row in fewer.gallery}) == 4


def test_one_picture_is_asked_about_from_other_days_alone():
    cut = splits.one_picture_other_occasions(DAYS, seed=1)
    day_of = {DAYS[row]["identity"]: DAYS[row]["day"] for row in cut.gallery}
    assert len(cut.gallery) == len(day_of) == 5
    assert len(cut.queries) == 25
    assert all(DAYS[row]["day"] != day_of[DAYS[row]["identity"]] for row in cut.queries)


def table_of_days(folder: Path, column: str) -> Path:
    """Three animals on four days each. column: what names the day."""
    rows = []
    for animal in range(3):
        for shot in range(4):
            Image.fromarray(picture(animal, shot)).save(folder / f"{animal}_{shot}.png")
            rows.append((f"{animal}_{shot}.png", str(animal), f"2024-03-0{shot + 1}"))
    with (folder / "crops.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "identity", column), *rows])
    return folder / "crops.csv"


def test_a_table_with_days_needs_no_split_and_is_measured_across_them(tmp_path: Path):
    from app.evaluation.identification import evaluate_csv

    document, figures = evaluate_csv(table_of_days(tmp_path, "day"), "xfeat", draws=2)
    assert len(document["queries"]) == 6
    assert figures["last_occasions"]["queries"] == 6
    assert figures["last_occasions"]["top1"] == figures["one_picture_other_occasions"]["top1"] == 1.0
    assert figures["last_occasions_fifth_unknown"]["auroc"] >= 0.5


def test_a_fusion_with_the_matcher_is_measured_alone_and_with_the_queries_that_wait(tmp_path: Path):
    from app.evaluation.identification import evaluate_csv

    _, figures = evaluate_csv(table_of_days(tmp_path, "occasion"), "fused-xfeat", draws=1)
    alone, together = figures["one_picture"], figures["one_picture_together"]
    assert together["queries"] == alone["queries"] == 9
    assert together["top1"] == alone["top1"] == 1.0
    assert together["auroc"] == alone["auroc"]
    assert 0.0 < together["brier"] != alone["brier"]
    assert "one_picture_together" not in evaluate_csv(tmp_path / "crops.csv", "rapid", draws=1)[1]


def test_kept_evaluations_come_back_newest_first(tmp_path: Path):
    save_evaluation(tmp_path, "identification", "rapid", "1", "224", "a.csv", {"top1": 0.9})
    save_evaluation(tmp_path, "detection", "pocket-detector", "1", "640", "b", {"ap50": 0.7})
    (tmp_path / "evaluations" / "0-broken.json").write_text("{")
    found = saved_evaluations(tmp_path)
    assert [(evaluation.task, evaluation.model, evaluation.figures) for evaluation in found] == [
        ("detection", "pocket-detector", {"ap50": 0.7}),
        ("identification", "rapid", {"top1": 0.9}),
    ]
    assert saved_evaluations(tmp_path / "nowhere") == []


@pytest.mark.parametrize("model", ["rapid-448", "fused", "fused-448", "xfeat", "fused-xfeat"])
def test_every_model_can_be_evaluated(model: str, tmp_path: Path):
    from app.evaluation.identification import rank_csv, read_rows, score

    rows = [("path", "identity", "split")]
    for animal in range(3):
        for shot in range(2):
            Image.fromarray(picture(animal, shot)).save(tmp_path / f"{animal}_{shot}.png")
            rows.append((f"{animal}_{shot}.png", str(animal), "query" if shot else "gallery"))
    table = tmp_path / "crops.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    document = rank_csv(table, model)
    assert document["model"] == model
    assert document["preprocessing"]
    assert score(document, read_rows(table))["top1"] == 1.0


def test_crops_of_one_event_count_as_one_look_of_the_matcher(tmp_path: Path):
    from app.evaluation.described import describe
    from app.evaluation.rankers import rank

    rows = [{"path": f"{animal}_{shot}.png", "identity": str(animal)} for animal in range(3) for shot in range(3)]
    for row in rows:
        Image.fromarray(picture(*map(int, row["path"][:-4].split("_")))).save(tmp_path / row["path"])
    split = splits.Split([0, 1, 3, 4, 6, 7], [2])
    described = describe(rows, tmp_path, "fused-xfeat")
    apart, beside = [
        dict(rank("fused-xfeat", rows, described, split, np.array(events))[0][0])
        for events in (range(9), [0, 0, *range(2, 9)])
    ]
    assert beside["0"] < apart["0"]
    assert dict(rank("fused-xfeat", rows, described, split)[0][0]) == apart


def test_of_queries_that_wait_together_those_of_one_event_vote_where_they_show_one_animal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from app.evaluation.described import describe
    from app.evaluation.rankers import rank
    from app.matching import matched

    rows = [{"path": f"{animal}_{shot}.png", "identity": str(animal)} for animal in range(3) for shot in range(3)]
    for row in rows:
        Image.fromarray(picture(*map(int, row["path"][:-4].split("_")))).save(tmp_path / row["path"])
    split = splits.Split([0, 3, 6], [2, 1, 4])
    described = describe(rows, tmp_path, "fused-xfeat")
    same, other = start("xfeat").log_odds([described.matched.pair(2, row) for row in (1, 4)])
    assert same > other
    monkeypatch.setattr(matched, "SAME", (same + other) / 2)  # these drawn coats are more alike than animals

    def answer(events: list[int]) -> dict[str, float]:
        return dict(rank("fused-xfeat", rows, described, split, np.array(events), wait_together=True)[0][0])

    apart = answer([2, 1, 0, 3, 4, 5, 6, 7, 8])
    with_same, with_other = answer([2, 0, 0, 3, 4, 5, 6, 7, 8]), answer([2, 1, 0, 3, 0, 5, 6, 7, 8])
    assert with_same != pytest.approx(apart, abs=1e-3)
    assert with_other == pytest.approx(apart, abs=1e-3)
