"""The worker's side of evidence: read crops, compare pairs, measure quality, and write it all down.

It runs in the worker's own process whatever the backend is: a crop takes about 0.15 s of one core, a pair 0.02 s.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from PIL import Image

from app.analysis import pictures
from app.analysis.calls import Lane
from app.analysis.context import Context
from app.files import crop_path
from app.storage import shared
from app.survey.detections import evidence as kept
from app.survey.detections import quality
from app.survey.detections.boxes import BoxView, boxes
from app.survey.detections.results import crop_name
from app.survey.tables.evidence import CropOutline, CropQuality, PairEvidence
from modal_backend.contracts import Picture

if TYPE_CHECKING:
    from modal_backend.models.evidence.evidence import Evidence, Reading

log = logging.getLogger("pugmark.evidence")
READINGS = 400
AT_ONCE = 64


class NoCrop(Exception):
    """The crop of a box cannot be read; the text says why."""


class CropReader:
    """Readings of crops, the last 400 kept in memory (some 40 MB). Safe to share between threads."""

    def __init__(self) -> None:
        self._outlines: Any = None
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = threading.Lock()

    def reading(self, context: Context, box: BoxView) -> Reading:
        """Features and mask of a crop as its box stands; the outline is written down. Raises NoCrop."""
        from modal_backend.models.evidence.evidence import read

        name = str(crop_path(context.survey.data_dir, _name(box)))
        with self._lock:
            if name not in self._readings:
                picture = picture_of(context, box)
                self._readings[name] = read(picture, self._mask(context, box, picture))
                if len(self._readings) > READINGS:
                    self._readings.popitem(last=False)
            self._readings.move_to_end(name)
            return self._readings[name]

    def _mask(self, context: Context, box: BoxView, picture: Picture) -> Any:
        from modal_backend.models.evidence.mask import CELLS, OutlineReader

        with context.survey.read() as session:
            known = session.get(CropOutline, box.id)
        if known is not None and (known.box, known.version) == (kept.key_of(box), kept.VERSION):
            return np.frombuffer(known.mask, np.uint8).reshape(CELLS, CELLS).astype(np.float32) / 255
        self._outlines = self._outlines or OutlineReader()
        outline = self._outlines.read(picture)
        values = {
            "box": kept.key_of(box),
            "version": kept.VERSION,
            "mask": np.round(outline.mask * 255).astype(np.uint8).tobytes(),
            "mirror": outline.mirror.astype(np.float16).tobytes(),
        }
        with context.survey.write() as session:
            session.execute(sa.delete(CropOutline).where(CropOutline.detection_id == box.id))
            session.add(CropOutline(detection_id=box.id, **values))
        return outline.mask


READER = CropReader()


def compare_pairs(context: Context, pairs: Sequence[Sequence[int]]) -> None:
    """Write the evidence of these pairs of detections; those that are written already are passed over."""
    from modal_backend.models.evidence.evidence import compare

    with context.survey.read() as session:
        todo = kept.missing_pairs(session, [(int(first), int(second)) for first, second in pairs])
        found = boxes(session, {detection_id for pair in todo for detection_id in pair})
    for pair in todo:
        if any(detection_id not in found for detection_id in pair):
            continue
        low, high = (found[detection_id] for detection_id in sorted(pair))
        try:
            evidence = compare(READER.reading(context, low), READER.reading(context, high))
        except NoCrop as error:
            _keep(context, low, high, {"lines": [], "whole": 0, "animal": 0, "background": 0, "problem": str(error)})
            continue
        _keep(context, low, high, values_of(evidence))


def values_of(evidence: Evidence) -> dict[str, Any]:
    """Evidence as it is kept; see `PairEvidence`."""
    lines = np.round(evidence.lines * [1000, 1000, 1000, 1000, 100, 1]).astype(int).tolist()
    counts = {"whole": evidence.whole, "animal": evidence.animal, "background": evidence.background}
    return {"lines": lines, **counts, "on_background": evidence.on_background}


def read_crops(context: Context, detection_ids: Sequence[int]) -> None:
    """Write the outlines of these crops, for their masks and the guess of their flank."""
    with context.survey.read() as session:
        found = boxes(session, detection_ids)
    for box in found.values():
        try:
            READER.reading(context, box)
        except NoCrop as error:
            log.warning("No outline of crop %s: %s", box.id, error)


def measure_crops(context: Context, detection_ids: Sequence[int]) -> None:
    """Write the quality of these crops; those whose picture cannot be read are left without."""
    from modal_backend.models.evidence import crop_quality

    for start in range(0, len(detection_ids), AT_ONCE):
        with context.survey.read() as session:
            found = list(boxes(session, detection_ids[start : start + AT_ONCE]).values())
            places = {box.id: quality.place_of(session, box) for box in found}
        rows = []
        for box in found:
            try:
                measured = crop_quality.measure(picture_of(context, box))
            except NoCrop as error:
                log.warning("No quality of crop %s: %s", box.id, error)
                continue
            pixels, at_edge, covered = places[box.id]
            row = CropQuality(
                detection_id=box.id,
                box=kept.key_of(box),
                version=crop_quality.VERSION,
                sharpness=measured.sharpness,
                brightness=measured.brightness,
                clipped=measured.clipped,
                contrast=measured.contrast,
                pixels=pixels,
                at_edge=at_edge,
                covered=covered,
            )
            row.score = quality.score(row)
            rows.append(row)
        with context.survey.write() as session:
            session.execute(
                sa.delete(CropQuality).where(CropQuality.detection_id.in_([row.detection_id for row in rows]))
            )
            session.add_all(rows)


def picture_of(context: Context, box: BoxView) -> Picture:
    """The crop of a box, cut now when it has not been cut yet. Raises NoCrop."""
    path = crop_path(context.survey.data_dir, _name(box))
    if not shared.is_here(context.survey.data_dir, path):
        asyncio.run(pictures.describe_boxes(context, [box.id], None, Lane()))
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise NoCrop(f"The crop picture cannot be read ({error}).") from error


def _name(box: BoxView) -> str:
    return crop_name(box.id, box.box)


def _keep(context: Context, low: BoxView, high: BoxView, values: dict[str, Any]) -> None:
    about = {"low_box": kept.key_of(low), "high_box": kept.key_of(high), "version": kept.PAIRS_VERSION}
    with context.survey.write() as session:
        session.execute(sa.delete(PairEvidence).filter_by(low_id=low.id, high_id=high.id))
        session.add(PairEvidence(low_id=low.id, high_id=high.id, **about, **{"on_background": False, **values}))
