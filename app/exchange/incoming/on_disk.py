"""Lists and lookups of any length that keep almost nothing in memory: the rest lies in files that end with them."""

from __future__ import annotations

import pickle
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

AT_ONCE = 1000
CACHE_KB = 4096
T = TypeVar("T")


class Spooled(Sequence[T], Generic[T]):
    """A list that grows only at its end. Its parts are written to a file without a name, for this process alone."""

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._file: Any = None
        self._places: list[tuple[int, int]] = []
        self._end, self._last = 0, list[T]()
        self._part: tuple[int, list[T]] = (-1, [])
        for item in items:
            self.append(item)

    def append(self, item: T) -> None:
        """Put an item at the end."""
        self._last.append(item)
        if len(self._last) < AT_ONCE:
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the list
        content = pickle.dumps(self._last, pickle.HIGHEST_PROTOCOL)
        self._file.write(content)
        self._file.flush()
        self._places.append((self._end, len(content)))
        self._end, self._last = self._end + len(content), []

    def extend(self, items: Iterable[T]) -> None:
        """Put items at the end."""
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return len(self._places) * AT_ONCE + len(self._last)

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._places)):
            yield from self._read(number)
        yield from self._last

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number, within = divmod(place + len(self) if place < 0 else place, AT_ONCE)
        if number >= len(self._places):
            return self._last[within] if number == len(self._places) else self._last[len(self._last)]
        kept, part = self._part
        if kept != number:
            part = self._read(number)
            self._part = number, part
        return part[within]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))

    def _read(self, number: int) -> list[T]:
        begin, length = self._places[number]
        self._file.seek(begin)
        part: list[T] = pickle.loads(self._file.read(length))
        return part


class Shelf:
    """Values by a text, several for each, in the order in which they came; a database that ends with the program."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", check_same_thread=False)  # a file without a name
        self._connection.execute(f"pragma cache_size=-{CACHE_KB}")
        self._connection.execute("create table kept (key text, value blob)")
        self._connection.execute("create index kept_key on kept (key)")

    def add(self, key: str, value: Any) -> None:
        """Keep one more value under a text."""
        self._connection.execute("insert into kept values (?, ?)", (key, pickle.dumps(value)))

    def last(self, key: str) -> Any:
        """The value that came last under this text; None where there is none."""
        query = "select value from kept where key = ? order by rowid desc limit 1"
        row = self._connection.execute(query, (key,)).fetchone()
        return pickle.loads(row[0]) if row else None

    def groups(self) -> Iterator[tuple[str, list[Any]]]:
        """Each text with its values."""
        held: list[Any] = []
        key = None
        for found, value in self._connection.execute("select key, value from kept order by key, rowid"):
            if held and found != key:
                yield str(key), held
                held = []
            key = found
            held.append(pickle.loads(value))
        if held:
            yield str(key), held
