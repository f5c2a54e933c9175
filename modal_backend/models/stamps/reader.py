"""Read the text in the bar that a camera burns into its pictures: RapidOCR, whose weights come inside its package."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from modal_backend.contracts import Box, Picture
from modal_backend.models.stamps.bar import BarStrips, BarText, TextLine
from modal_backend.models.stamps.grammar import read_stamp

VERSION = "1"
# Where cameras write: shares of a picture's height.
TOP, BOTTOM = 0.10, 0.12
# RapidOCR enlarges a strip to 736 pixels of height unless it is given the longest side: 12 s and not 0.3 s a picture.
SIDE = 1280
# A bar without date and time is read again: whole in these widths, then its halves, enlarged.
OTHER_WIDTHS = (1100, 760)
HALF_WIDTH = 1280
DIGITS = 3
# What a line is widened by for its second reading, as shares of its height, but not into its neighbours: so far that
# figures which the first cut lost (the first three of a year, AM or PM) come into sight.
BESIDE, ABOVE = 2.5, 0.12
Corners = tuple[float, float, float, float]
PREPROCESSING = f"top {TOP:.0%}, bottom {BOTTOM:.0%}, longest side {SIDE}; lines with figures are read twice"


def strips_of(picture: Picture) -> BarStrips:
    """The parts of an RGB uint8 picture (height, width, 3) in which a camera writes."""
    height = picture.shape[0]
    top, bottom = max(1, round(height * TOP)), max(1, round(height * BOTTOM))
    return BarStrips(np.ascontiguousarray(picture[:top]), np.ascontiguousarray(picture[height - bottom :]))


class StampReader:
    """Reads the lines of text in the strips of pictures. Safe to share between threads; one at a time, on one core."""

    def __init__(self) -> None:
        import rapidocr

        threads = {f"EngineConfig.onnxruntime.{part}_op_num_threads": 1 for part in ("intra", "inter")}
        # the strip as it is: no turned text, no enlarging, no frame around it
        plain = {"use_cls": False, "min_side_len": 1, "width_height_ratio": -1, "log_level": "error"}
        params: dict[str, Any] = {f"Global.{name}": value for name, value in plain.items()}
        params |= {"Det.limit_type": "max", "Det.limit_side_len": SIDE, "Rec.rec_batch_num": 1}
        self._ocr: Any = rapidocr.RapidOCR(params=params | threads)
        self._lock = threading.Lock()
        self.weights_sha256 = _weights_sha256(Path(rapidocr.__file__).parent / "models")

    def read_all(self, pictures: Sequence[BarStrips]) -> list[BarText]:
        """The text of each picture, in order; see `read`."""
        return [self.read(strips) for strips in pictures]

    def read(self, strips: BarStrips) -> BarText:
        """The lines of text in the strips of one picture; their boxes are relative to the whole picture."""
        width = strips.top.shape[1]
        ways: list[tuple[Sequence[float], int | None]] = [((0.0, 1.0), None)]
        ways += [((0.0, 1.0), other) for other in OTHER_WIDTHS if not 0.8 < other / width < 1.25]
        ways += [((0.0, 0.5, 1.0), HALF_WIDTH)]
        text = BarText(())
        with self._lock:
            for cuts, wide in ways:
                if not _readable(text)[0]:
                    text = max(text, self._both(strips, cuts, wide), key=_readable)
        return text

    def _both(self, strips: BarStrips, cuts: Sequence[float], width: int | None) -> BarText:
        """The text of both strips, cut at these shares of their width, each part scaled to a width in pixels."""
        lines: list[TextLine] = []
        for strip, place, share in ((strips.top, 0.0, TOP), (strips.bottom, 1 - BOTTOM, BOTTOM)):
            for left, right in pairwise(cuts):
                part = strip[:, round(left * strip.shape[1]) : max(1, round(right * strip.shape[1]))]
                lines += self._lines(part, width, Box(left, place, right - left, share))
        return BarText(tuple(lines))

    def _lines(self, strip: Picture, width: int | None, whole: Box) -> list[TextLine]:
        """The lines of one strip, which takes a part of the `whole` picture."""
        pixels = np.ascontiguousarray(strip[:, :, ::-1])
        if width is not None:
            scale = width / strip.shape[1]
            way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
            pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=way), np.uint8)
        found = self._ocr(pixels, use_det=True, use_cls=False, use_rec=True)
        if found.boxes is None:
            return []
        height, wide = pixels.shape[:2]
        x, y = whole.width / wide, whole.height / height
        corners = [(*places.min(0), *places.max(0)) for places in found.boxes]
        lines = []
        for place, text, score in zip(corners, found.txts, found.scores, strict=True):
            left, top, right, bottom = (float(value) for value in place)
            box = Box(whole.x + left * x, whole.y + top * y, (right - left) * x, (bottom - top) * y)
            again = self._again(pixels, place, corners) if _digits(text) >= DIGITS else None
            lines.append(TextLine(text, round(float(score), 3), box, again))
        return lines

    def _again(self, pixels: Picture, place: Corners, others: Sequence[Corners]) -> str:
        """What a line says when more is cut out around it, as far as the next lines."""
        left, top, right, bottom = place
        beside, above = BESIDE * (bottom - top), ABOVE * (bottom - top)
        row = [other for other in others if other[1] < bottom and top < other[3]]
        first = max([left - beside, *(other[2] for other in row if other[2] <= left)])
        last = min([right + beside, *(other[0] for other in row if other[0] >= right)])
        rows = slice(max(0, round(top - above)), min(pixels.shape[0], round(bottom + above)))
        columns = slice(max(0, round(first)), min(pixels.shape[1], round(last)))
        found = self._ocr(np.ascontiguousarray(pixels[rows, columns]), use_det=False, use_cls=False, use_rec=True)
        return str(found.txts[0]) if found.txts else ""


def _readable(text: BarText) -> tuple[bool, bool, int]:
    """How good a text is: date and time are beyond doubt, are there, or may be among its figures."""
    stamp = read_stamp(text.lines, date.today())
    return stamp.complete and not stamp.doubts, stamp.complete, sum(_digits(line.text) for line in text.lines)


def _digits(text: str) -> int:
    return sum(letter.isdigit() for letter in text)


def _weights_sha256(folder: Path) -> str:
    """SHA-256 over the weights of both networks, the one that finds lines first."""
    files = [*sorted(folder.glob("*det*.onnx")), *sorted(folder.glob("*rec*.onnx"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
