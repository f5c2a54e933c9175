"""Detection scores agree with cases worked out by hand."""

from __future__ import annotations

import pytest

from app.evaluation.detection import evaluate_detection


def truth(*pictures):
    """COCO truth; each picture is a list of x, y, width, height boxes on 100 x 100 pixels."""
    images = [{"id": i, "file_name": f"{i}.jpg", "width": 100, "height": 100} for i in range(len(pictures))]
    notes = [
        {"id": 10 * i + k, "image_id": i, "category_id": 1, "bbox": box}
        for i, boxes in enumerate(pictures)
        for k, box in enumerate(boxes)
    ]
    return {"images": images, "annotations": notes}


def predictions(*pictures, threshold=0.5):
    """MegaDetector JSON; each picture is a list of (confidence, box in pixels), or None for a failure."""
    images = []
    for index, boxes in enumerate(pictures):
        found = None
        if boxes is not None:
            found = [{"category": "1", "conf": c, "bbox": [v / 100 for v in box]} for c, box in boxes]
        images.append({"file": f"camera/{index}.jpg", "detections": found})
    return {
        "info": {"detector_metadata": {"typical_detection_threshold": threshold}},
        "detection_categories": {"1": "animal", "2": "person"},
        "images": images,
    }


def test_perfect_boxes_score_one_everywhere():
    score = evaluate_detection(predictions([(1.0, [10, 10, 20, 20])], []), truth([[10, 10, 20, 20]], []))
    assert score["ap50"] == score["ap"] == score["recall_iou50"] == 1
    assert score["false_per_picture"] == score["empty_with_box"] == score["ece"] == 0


def test_average_precision_interpolates_over_a_false_box_between_two_hits():
    found = predictions([(0.9, [0, 0, 20, 20]), (0.8, [50, 50, 20, 20]), (0.7, [70, 0, 20, 20])])
    score = evaluate_detection(found, truth([[0, 0, 20, 20], [70, 0, 20, 20]]))
    assert score["ap50"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert score["false_per_picture"] == 1


def test_second_box_on_the_same_animal_is_false():
    found = predictions([(0.9, [0, 0, 20, 20]), (0.8, [0, 0, 20, 19])])
    score = evaluate_detection(found, truth([[0, 0, 20, 20]]))
    assert score["false_per_picture"] == 1
    assert score["ap50"] == 1


def test_loose_box_counts_at_iou_30_and_not_at_50():
    score = evaluate_detection(predictions([(0.9, [0, 0, 20, 10])]), truth([[0, 0, 20, 25]]))
    assert (score["recall_iou30"], score["recall_iou50"], score["ap50"]) == (1, 0, 0)


def test_mean_precision_drops_with_every_iou_step_a_box_misses():
    score = evaluate_detection(predictions([(0.9, [0, 0, 20, 18])]), truth([[0, 0, 25, 20]]))
    assert score["ap"] == pytest.approx(0.5)  # overlap 0.72 passes 0.5, 0.55, 0.6, 0.65 and 0.7


def test_boxes_below_the_threshold_count_for_precision_but_not_for_recall():
    score = evaluate_detection(predictions([(0.4, [0, 0, 20, 20])]), truth([[0, 0, 20, 20]]))
    assert score["ap50"] == 1
    assert score["recall_iou50"] == 0


def test_calibration_error_is_the_gap_between_confidence_and_hits():
    found = predictions([(0.85, [0, 0, 20, 20]), (0.85, [50, 50, 20, 20]), (0.05, [80, 80, 9, 9])])
    assert evaluate_detection(found, truth([[0, 0, 20, 20]]))["ece"] == pytest.approx(0.35)


def test_boxes_on_empty_pictures_are_counted_by_picture():
    found = predictions([(0.9, [0, 0, 20, 20]), (0.8, [50, 50, 20, 20])], [(0.2, [0, 0, 20, 20])])
    score = evaluate_detection(found, truth([], []))
    assert (score["empty"], score["empty_with_box"], score["ap50"]) == (2, 0.5, None)


def test_failed_and_missing_pictures_are_counted_and_lose_their_recall():
    score = evaluate_detection(predictions(None), truth([[0, 0, 20, 20]], [[0, 0, 20, 20]]))
    assert (score["pictures"], score["answered"], score["failed"]) == (2, 1, 1)
    assert score["recall_iou30"] == 0


def test_persons_are_no_animals():
    found = predictions([(0.9, [0, 0, 20, 20])])
    found["images"][0]["detections"][0]["category"] = "2"
    assert evaluate_detection(found, truth([]))["empty_with_box"] == 0


def test_two_pictures_of_one_name_are_refused():
    checked = truth([], [])
    checked["images"][1]["file_name"] = "other/0.jpg"
    with pytest.raises(ValueError, match="same file name"):
        evaluate_detection(predictions([]), checked)
