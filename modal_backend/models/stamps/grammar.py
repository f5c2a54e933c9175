"""What the lines of a camera's bar say: date, time, temperature, the camera's label, the place in a burst.

Nothing is guessed: what can be read in two ways is given in both, and what speaks against a reading stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time

from modal_backend.contracts import Box
from modal_backend.models.stamps.bar import TextLine
from modal_backend.models.stamps.dates import FoundDate, find_dates, plain
from modal_backend.models.stamps.labels import label_of
from modal_backend.models.stamps.times import FoundTime, find_times

VERSION = "1"
SURE_SCORE = 0.8
OLDEST = date(2000, 1, 1)
COLDEST, HOTTEST = -50, 60
DIFFERENT = 2.5
SIGNS = {
    "℃": "°C", "℉": "°F", "：": ":", "；": ":", ";": ":", "∶": ":", "／": "/", "．": ".", "，": ",", "–": "-", "—": "-",
    "−": "-", "º": "°", "˚": "°", "（": "(", "）": ")",
}  # fmt: skip
HALF_BEFORE = re.compile(r"(上午|下午|[AaPp]\.?[Mm]\.?)\s?(\d{1,2}:\d{2}(?::\d{2})?)(?!\s?[AaPp]\.?[Mm])")
CHINESE = re.compile(r"(\d{4})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日?")
# A time with dots is known as one only behind a date with all figures of its year.
DOTTED = re.compile(
    r"(\d{4}([./-])\d\d\2\d\d|\d\d([./-])\d\d\3\d{4})(\s+)([01]\d|2[0-3])\.([0-5]\d)\.([0-5]\d)(?![\d.])"
)
NOUGHT = re.compile(r"(?<=[\d/:\-])[oO](?=[\d/:\-])")
PRESSURE = re.compile(r"\d{2}[.,]\d{1,2}\s?in\s?hg|\d{3,4}\s?(?:hpa|mbar)", re.IGNORECASE)
TEMPERATURE = re.compile(
    r"(?<![\d.])(?P<sign>-?)(?P<value>\d{1,4})\s?(?P<degree>[°o'*]{0,2})\s?(?P<unit>[cf])(?![a-np-z])", re.IGNORECASE
)
LONE = re.compile(r"^(?:\s*\S(?=\s))+")
BURST = re.compile(r"(?:^|(?<=[\sm]))(?:[mtpe]\s?)?(?P<n>\d{1,2})/(?P<of>\d{1,2})(?![\d/:])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a bar says.

    Attributes:
        dates: what the date can be, by the order of its parts ("ymd", "mdy", "dmy"); two entries where day and month
            cannot be told apart, none where there is no date.
        time: None where none can be read.
        celsius: the temperature in degrees Celsius.
        label: the name that somebody gave the camera.
        burst: the place in a burst and its length.
        form: how date and time are written; the same for all pictures of a camera.
        text: the lines that date and time were read from.
        box: where these lines are.
        doubts: what speaks against date and time, in sentences; empty when they can be taken as they stand.
    """

    dates: dict[str, date] = field(default_factory=dict)
    time: time | None = None
    celsius: float | None = None
    label: str = ""
    burst: tuple[int, int] | None = None
    form: str = ""
    text: str = ""
    box: Box | None = None
    doubts: tuple[str, ...] = ()

    @property
    def date(self) -> date | None:
        """The date, where it is the same in every order that can be."""
        return next(iter(self.dates.values())) if len(set(self.dates.values())) == 1 else None

    @property
    def order(self) -> str:
        """The order of the date's parts; "either" where day and month cannot be told apart, "" without a date."""
        return next(iter(self.dates)) if len(self.dates) == 1 else "either" if self.dates else ""

    @property
    def complete(self) -> bool:
        """Whether there is a date as well as a time."""
        return bool(self.dates) and self.time is not None


@dataclass(frozen=True, slots=True)
class _Found:
    """A date or time with the lines of its row."""

    what: FoundDate | FoundTime
    row: tuple[TextLine, ...]
    text: str


def read_stamp(lines: Sequence[TextLine], today: date) -> Stamp:
    """What these lines of one picture say; a reading that its second reading does not confirm is doubted."""
    stamp = _read(lines)
    doubts = list(stamp.doubts)
    again = _read([replace(line, text=line.text if line.again is None else line.again) for line in lines])
    if not stamp.complete and again.complete:
        stamp, doubts = again, [*again.doubts, "Only the second reading gave a date and a time."]
    elif (stamp.dates, stamp.time) != (again.dates, again.time):
        doubts.append(f"A second reading gave: {again.text or 'nothing'}.")
    if any(not OLDEST <= value <= date(today.year + 1, 12, 31) for value in stamp.dates.values()):
        stamp, doubts = _plausible(stamp, doubts, today)
    return replace(stamp, doubts=tuple(dict.fromkeys(doubts)))


def _plausible(stamp: Stamp, doubts: list[str], today: date) -> tuple[Stamp, list[str]]:
    """Without the dates that lie too far off, where others remain."""
    near = {order: value for order, value in stamp.dates.items() if OLDEST <= value <= date(today.year + 1, 12, 31)}
    if near:
        return replace(stamp, dates=near), doubts
    return stamp, [*doubts, f"The year {next(iter(stamp.dates.values())).year} cannot be."]


def _read(lines: Sequence[TextLine]) -> Stamp:
    rows = [(row, "  ".join(normal(line.text) for line in row)) for row in rows_of(lines)]
    dates = [_Found(found, row, text) for row, text in rows for found in find_dates(text)]
    # times are looked for where no date stands
    blanked = [
        (row, _without(plain(text), [date.what.span for date in dates if date.row is row])) for row, text in rows
    ]
    times = [_Found(found, row, text) for row, text in blanked for found in find_times(text)]
    left = [_without(text, [clock.what.span for clock in times if clock.row is row]) for row, text in blanked]
    kept_date, kept_time, doubts = _best(dates, times)
    used = _used(kept_date, kept_time)
    if any(line.score < SURE_SCORE for line in used):
        doubts.append("The bar is hard to read.")
    found = [kept.what for kept in (kept_date, kept_time) if kept is not None]
    return Stamp(
        dates=dict(kept_date.what.dates) if kept_date and isinstance(kept_date.what, FoundDate) else {},
        time=kept_time.what.value if kept_time and isinstance(kept_time.what, FoundTime) else None,
        celsius=_celsius(left),
        label=label_of([_line_left(line) for line in lines]),
        burst=_burst(left),
        form=", ".join(part.form for part in found),
        text="  ".join(dict.fromkeys(line.text for line in used)),
        box=_around(used),
        doubts=tuple(doubts),
    )


def normal(text: str) -> str:
    """A line with the signs that cameras and the reader use for one another made the same."""
    text = "".join(SIGNS.get(letter, letter) for letter in text)
    text = HALF_BEFORE.sub(lambda match: f"{match[2]} {'AM' if match[1][0] in '上Aa' else 'PM'}", text)
    return DOTTED.sub(r"\1\4\5:\6:\7", NOUGHT.sub("0", CHINESE.sub(r"\1-\2-\3 ", text)))


def rows_of(lines: Sequence[TextLine]) -> list[tuple[TextLine, ...]]:
    """Lines side by side, from left to right, rows from top to bottom."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda piece: piece.box.y + piece.box.height / 2):
        middle = line.box.y + line.box.height / 2
        last = rows[-1][-1].box if rows else None
        if last is not None and abs(last.y + last.height / 2 - middle) < 0.5 * min(last.height, line.box.height):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [tuple(sorted(row, key=lambda piece: piece.box.x)) for row in rows]


def _best(dates: list[_Found], times: list[_Found]) -> tuple[_Found | None, _Found | None, list[str]]:
    """The date and the time that belong together, and why they may not be the right ones."""
    doubts = []
    beside = [date for date in dates if any(date.row is other.row for other in times)] or dates
    kept_date = beside[0] if beside else None
    if kept_date is not None and isinstance(kept_date.what, FoundDate):
        if any(not _agree(kept_date.what, other.what) for other in dates):
            doubts.append("There is more than one date.")
        if kept_date.what.doubt:
            doubts.append(kept_date.what.doubt)
    near = [time for time in times if kept_date is None or time.row is kept_date.row] or times
    kept_time = near[0] if near else None
    if kept_time is not None and isinstance(kept_time.what, FoundTime):
        value = kept_time.what.value
        others = [time.what.value for time in times if isinstance(time.what, FoundTime)]
        if any((other.hour, other.minute) != (value.hour, value.minute) for other in others):
            doubts.append("There is more than one time.")
        if kept_time.what.doubt:
            doubts.append(kept_time.what.doubt)
    return kept_date, kept_time, doubts


def _agree(date: FoundDate | FoundTime, other: FoundDate | FoundTime) -> bool:
    return (
        isinstance(date, FoundDate)
        and isinstance(other, FoundDate)
        and bool(set(date.dates.values()) & set(other.dates.values()))
    )


def _used(*found: _Found | None) -> list[TextLine]:
    """The lines that overlap a date or time in their row."""
    used: list[TextLine] = []
    for kept in found:
        place = 0
        for line in kept.row if kept else ():
            end = place + len(normal(line.text))
            if kept is not None and place < kept.what.span[1] and kept.what.span[0] < end and line not in used:
                used.append(line)
            place = end + 2
    return used


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _line_left(line: TextLine) -> TextLine:
    """A line without the date, time, temperature, pressure and place in a burst."""
    text = normal(line.text)
    text = _without(text, [date.span for date in find_dates(text)])
    text = _without(text, [time.span for time in find_times(plain(text))])
    for pattern in (PRESSURE, TEMPERATURE, BURST):
        text = pattern.sub(" ", text)
    # a sign of the moon between temperature and date is read as a letter or figure
    return replace(line, text=text if text == normal(line.text) else LONE.sub("", text))


def _celsius(texts: Sequence[str]) -> float | None:
    """The temperature; None where there is none, or two that contradict each other."""
    found: dict[str, float] = {}
    for text in texts:
        for match in TEMPERATURE.finditer(PRESSURE.sub(" ", text)):
            unit = match["unit"].lower()
            value = _degrees(match["value"], unit, signed="°" in match["degree"])
            if value is not None:
                found.setdefault(unit, _as_celsius(-value if match["sign"] else value, unit))
    if len(found) == 2 and abs(found["c"] - found["f"]) > DIFFERENT:
        return None
    celsius = found.get("c", found.get("f"))
    return None if celsius is None or not COLDEST <= celsius <= HOTTEST else round(celsius, 1)


def _degrees(figures: str, unit: str, *, signed: bool) -> int | None:
    """A temperature; without a degree sign, a nought at its end may be one."""
    hottest = HOTTEST if unit == "c" else HOTTEST * 9 / 5 + 32
    value = int(figures)
    if value > hottest and figures.endswith("0") and not signed:
        value //= 10
    return value if value <= hottest else None


def _as_celsius(value: int, unit: str) -> float:
    return float(value) if unit == "c" else (value - 32) * 5 / 9


def _burst(texts: Sequence[str]) -> tuple[int, int] | None:
    for text in texts:
        for match in BURST.finditer(text):
            place, length = int(match["n"]), int(match["of"])
            if 1 <= place <= length:
                return place, length
    return None


def _around(lines: Sequence[TextLine]) -> Box | None:
    if not lines:
        return None
    left, top = min(line.box.x for line in lines), min(line.box.y for line in lines)
    right = max(line.box.x + line.box.width for line in lines)
    bottom = max(line.box.y + line.box.height for line in lines)
    return Box(left, top, right - left, bottom - top)
