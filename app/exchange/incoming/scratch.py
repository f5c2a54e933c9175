"""What was read of a file of results, in a small database beside it, so that files of any size need little memory."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.exchange.incoming.entries import BadEntry, Entry, Frames, Species, inside
from app.exchange.incoming.matching import Listed, NoMatch, backwards, choose, common_end, name_of, parts
from app.survey.decisions.identities_file import NamedImage
from app.survey.tables.media import ImportBatch, ListedFile, Media
from modal_backend.contracts import Box, Category, Detection

AT_ONCE = 1000
MOST_ALIKE = 50
LAST = "\U0010ffff"  # sorts after every other letter
TABLES = """
create table if not exists entry (number integer primary key, path text, name text, boxes text, pixels integer,
    problem text, backwards text);
create table if not exists found (number integer primary key, media_id integer, problem text);
create table if not exists listed (name text, path text, media_id integer, backwards text, within text);
create table if not exists slice (number integer primary key, lines text);
create index if not exists entry_name on entry (name);
create index if not exists entry_backwards on entry (backwards);
create index if not exists listed_name on listed (name);
create index if not exists listed_backwards on listed (backwards);
create index if not exists listed_within on listed (within);
"""
UNMATCHED = (
    "select path, coalesce(entry.problem, found.problem) from entry left join found using (number) "
    "where media_id is null"
)
TWICE = "The file names this image more than once; its first entry is taken."
VIDEO = "It is a video here, and the file does not say on which frames its boxes are."
IMAGE = "It is an image here and a video in the file."


@dataclass(frozen=True, slots=True)
class Matched:
    """An entry whose image is in the survey."""

    number: int
    media_id: int
    boxes: tuple[Detection, ...]
    species: tuple[Species | None, ...]
    frames: Frames | None
    pixels: bool


class Scratch:
    """The entries of one file of results and the files of the survey that they mean."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def fill(self, entries: Iterator[Entry], report: Callable[[int], None] = lambda _count: None) -> int:
        """Keep every entry; returns how many. report: hears how many are kept. Raises what reading them raises."""

        def rows() -> Iterator[tuple[Any, ...]]:
            for number, entry in enumerate(entries, start=1):
                if number % AT_ONCE == 0:
                    report(number)
                boxes = None if entry.problem else _text(entry)
                yield (
                    number,
                    entry.path,
                    name_of(entry.path),
                    boxes,
                    entry.pixels,
                    entry.problem,
                    backwards(parts(entry.path)),
                )

        self._connection.execute("delete from entry")
        self._connection.executemany("insert into entry values (?, ?, ?, ?, ?, ?, ?)", rows())
        self._connection.commit()
        return int(self._connection.execute("select count(*) from entry").fetchone()[0])

    def keep(self, boxes: Iterable[tuple[int, Entry]], slices: Iterable[Sequence[NamedImage]]) -> None:
        """Keep entries whose media are known, and what people say in slices; nothing else stays."""
        for table in ("entry", "found", "slice"):
            self._connection.execute(f"delete from {table}")
        for number, (media_id, box) in enumerate(boxes, start=1):
            row = (number, box.path, _text(box), box.pixels)
            self._connection.execute("insert into entry (number, path, boxes, pixels) values (?, ?, ?, ?)", row)
            self._connection.execute("insert into found (number, media_id) values (?, ?)", (number, media_id))
        for number, some in enumerate(slices, start=1):
            text = json.dumps([asdict(line) for line in some])
            self._connection.execute("insert into slice values (?, ?)", (number, text))
        self._connection.commit()

    def lines(self, number: int) -> list[NamedImage]:
        """A slice of what people say, from 1; empty behind the last."""
        row = self._connection.execute("select lines from slice where number = ?", (number,)).fetchone()
        return [_line(values) for values in json.loads(row[0])] if row else []

    def match(self, session: Session) -> int:
        """Find the media of every entry anew; returns how many have one. What has none gets the reason."""
        self._list(session)
        several = dict(self._connection.execute("select name, count(*) from entry group by name having count(*) > 1"))
        videos = set(session.scalars(sa.select(Media.id).where(Media.kind == "video")))
        rows = self._connection.execute(
            "select number, path, name, case when pixels then boxes end, substr(boxes, 1, 1) = '{' from entry "
            "where boxes is not null order by number"
        )
        taken: set[int] = set()
        sizes = (
            _sizes(session) if self._connection.execute("select 1 from entry where pixels limit 1").fetchone() else {}
        )

        def found() -> Iterator[tuple[int, int | None, str | None]]:
            for number, path, name, pixels, is_video in rows:
                try:
                    media_id = choose(path, self._alike(path), several.get(name, 1))
                    _check_free(media_id, taken, videos, bool(is_video))
                    if pixels:
                        relative(_boxes(pixels)[0], *sizes[media_id])
                except NoMatch as reason:
                    yield number, None, str(reason)
                except BadEntry as reason:
                    yield number, None, reason.sentence
                else:
                    taken.add(media_id)
                    yield number, media_id, None

        self._connection.execute("delete from found")
        self._connection.executemany("insert into found values (?, ?, ?)", found())
        self._connection.commit()
        return len(taken)

    def matched(self, after: int = 0) -> list[Matched]:
        """Entries with a media, in order, that come after this number."""
        rows = self._connection.execute(
            "select number, media_id, boxes, pixels from found join entry using (number) "
            "where media_id is not null and number > ? order by number limit ?",
            (after, AT_ONCE),
        )
        return [Matched(row[0], row[1], *_boxes(row[2]), bool(row[3])) for row in rows]

    def of_file(self, label: str, path: str) -> Matched | None:
        """The entry that means a file that is being imported; None for none, or when several may.

        Args:
            label: name of the folder that is imported.
            path: of the file within it.
        """
        mine, within = parts(f"{label}/{path}"), len(parts(path))
        begin = backwards(parts(path))
        rows = self._connection.execute(
            "select number, path, boxes, pixels from entry where backwards between ? and ? "
            "and boxes is not null limit ?",
            (begin, begin + LAST, MOST_ALIKE),
        )
        best: list[tuple[int, Any]] = []
        for row in rows:
            theirs = parts(row[1])
            common = common_end(theirs, mine)
            if common >= within and (common > 1 or len(theirs) == 1):
                best.append((common, row))
        longest = max((common for common, _ in best), default=0)
        meant = [row for common, row in best if common == longest]
        return Matched(meant[0][0], 0, *_boxes(meant[0][2]), bool(meant[0][3])) if len(meant) == 1 else None

    def unmatched(self, limit: int = 1000) -> list[tuple[str, str]]:
        """Entries of which nothing is taken, with the reason: (path, sentence)."""
        rows = self._connection.execute(f"{UNMATCHED} order by number limit ?", (limit,))
        return [(row[0], row[1] or "") for row in rows]

    def reasons(self) -> dict[str, int]:
        """How many entries nothing is taken of, by the reason without the names in it."""
        rows = self._connection.execute(UNMATCHED)
        return dict(Counter(str(problem or "").split(":")[0].rstrip(".") for _, problem in rows).most_common())

    def _list(self, session: Session) -> None:
        """Keep the files of the survey whose names the entries have."""
        self._connection.execute("delete from listed")
        wanted = sa.select(ListedFile.path, ImportBatch.label, ListedFile.media_id).join(
            ImportBatch, ImportBatch.id == ListedFile.import_id
        )
        rows = session.execute(wanted.where(ListedFile.media_id.is_not(None)).execution_options(yield_per=AT_ONCE))

        def values() -> Iterator[tuple[Any, ...]]:
            for row in rows:
                within, label = parts(row.path), row.label.replace("/", "-")
                path, name = f"{label}/{row.path}", within[-1] if within else ""
                yield name, path, row.media_id, backwards(parts(path)), backwards(within), name

        query = "insert into listed select ?, ?, ?, ?, ? where exists (select 1 from entry where name = ?)"
        self._connection.executemany(query, values())

    def _alike(self, path: str) -> list[Listed]:
        """Files of the survey that may be meant: whose path ends with this one or is its end; else of the same name."""
        mine = parts(path)
        begin = backwards(mine)
        found = self._listed("backwards between ? and ?", begin, begin + LAST)
        for length in range(len(mine), 0, -1):
            found += self._listed("within = ?", backwards(mine[-length:]))
            if found:
                return found
        return self._listed("name = ?", name_of(path))

    def _listed(self, where: str, *values: str) -> list[Listed]:
        query = f"select distinct path, media_id from listed where {where} limit {MOST_ALIKE}"
        return [Listed(*row) for row in self._connection.execute(query, values)]


@contextmanager
def opened(place: Path) -> Iterator[Scratch]:
    """The scratch at this place; made when there is none."""
    place.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(place)
    try:
        connection.execute("pragma synchronous=off")
        connection.executescript(TABLES)
        yield Scratch(connection)
    finally:
        connection.close()


def relative(boxes: tuple[Detection, ...], width: int, height: int) -> list[Detection]:
    """Boxes in pixels as shares of a picture of this size. Raises BadEntry for one outside it."""
    found = []
    for detection in boxes:
        left, top = detection.box.x / width, detection.box.y / height
        box = Box(*inside(left, top, detection.box.width / width, detection.box.height / height))
        found.append(Detection(detection.category, detection.confidence, box))
    return found


def _check_free(media_id: int, taken: set[int], videos: set[int], is_video: bool) -> None:
    if is_video != (media_id in videos):
        raise NoMatch(IMAGE if is_video else VIDEO)
    if media_id in taken:
        raise NoMatch(TWICE)


def _sizes(session: Session) -> dict[int, tuple[int, int]]:
    rows = session.execute(sa.select(Media.id, Media.width, Media.height))
    return {media_id: (width, height) for media_id, width, height in rows}


def _text(entry: Entry) -> str:
    species = entry.species or (None,) * len(entry.boxes)
    rows = zip(entry.boxes, species, strict=True)
    boxes = [[str(row.category), row.confidence, *astuple(row.box), *(name or ())] for row, name in rows]
    return json.dumps({"boxes": boxes, **asdict(entry.frames)} if entry.frames else boxes)


def _line(values: dict[str, Any]) -> NamedImage:
    box = values.pop("box")
    return NamedImage(**values | {"category": Category(values["category"])}, box=Box(**box) if box else None)


def _boxes(text: str) -> tuple[tuple[Detection, ...], tuple[Species | None, ...], Frames | None]:
    value: Any = json.loads(text)
    rows: list[list[Any]] = value["boxes"] if isinstance(value, dict) else value
    frames = Frames(tuple(value["numbers"]), tuple(value["looked"]), value["rate"]) if isinstance(value, dict) else None
    boxes = tuple(Detection(Category(row[0]), row[1], Box(*row[2:6])) for row in rows)
    return boxes, tuple(Species(*row[6:]) if len(row) > 6 else None for row in rows), frames
