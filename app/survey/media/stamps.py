"""What the bars of pictures say: which media are to be read, and what the readings of a deployment propose.

A reading is a model's output and changes nothing by itself. What it proposes (times of media that have none, the name
of a station) counts once a person has taken it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.survey.media.remarks import FIRST_DAY
from app.survey.tables.decisions import Decision
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import Media, Stage
from app.survey.tables.stamps import MediaTime, StampReading
from modal_backend.contracts import Box
from modal_backend.models.stamps.labels import names_a_place

ONE_IN = 50
JUMP_BACK, JUMP_AHEAD = timedelta(minutes=5), timedelta(days=14)
SAME = timedelta(seconds=90)
SHARE = 0.6
# Kinds of decision after which other things may be proposed.
CONCERNING = (
    "stamp times", "rename deployment", "rename station", "move media", "split deployment", "join deployments",
    "delete deployment", "stations file",
)  # fmt: skip
ORDERS = ("ymd", "mdy", "dmy")


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading with what its media says.

    Attributes:
        dates: what its date can be, by the order of its parts.
        recorded: what the file says; None where it has no time.
        taken: whether a person has said what the time is.
        width, height: of the media, in pixels.
    """

    media_id: int
    sha256: str
    width: int
    height: int
    kind: str
    deployment_id: int | None
    recorded: datetime | None
    taken: bool
    dates: dict[str, date]
    time: time | None
    label: str
    form: str
    text: str
    box: Box | None
    doubts: tuple[str, ...]

    def at(self, order: str | None) -> datetime | None:
        """The time on the bar, its date read in this order where the picture alone leaves it open."""
        days = set(self.dates.values())
        day = next(iter(days)) if len(days) == 1 else self.dates.get(order or "")
        return None if day is None or self.time is None else datetime.combine(day, self.time)

    @property
    def open(self) -> bool:
        """Whether day and month cannot be told apart."""
        return len(set(self.dates.values())) > 1


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the bars of one deployment propose.

    Attributes:
        order: that of day and month, as all bars together show it; None where they leave it open.
        contradicting: no order fits all bars.
        times: media without a time, and the time on their bar.
        open: media without a time whose day and month cannot be told apart.
        doubtful: media without a time whose bar was not read for sure.
        different: media whose file says another time than their bar: seconds from the file's to the bar's.
        label: the camera's name, where most bars have the same.
    """

    deployment_id: int
    name: str
    station: str
    order: str | None
    contradicting: bool
    times: dict[int, datetime]
    open: list[Reading]
    doubtful: list[Reading]
    different: list[tuple[Reading, int]]
    label: str
    readings: dict[int, Reading] = field(default_factory=dict)

    @property
    def has_something(self) -> bool:
        """Whether there is anything to decide."""
        return bool(self.times or self.open or self.doubtful or self.different or self.renames)

    @property
    def renames(self) -> bool:
        """Whether the bars name another station."""
        return bool(self.label) and self.label.casefold() not in (self.station.casefold(), self.name.casefold())


def lacking(session: Session, limit: int) -> list[int]:
    """The next media whose bars are to be read.

    Those without a time first; of the others one in fifty, the first of each deployment, the first after every jump of
    the clock, and those before camera traps were made. None whose analysis failed or was cancelled.
    """
    unread = sa.and_(Media.stage == Stage.READY, Media.id.not_in(sa.select(StampReading.media_id)))
    untimed = sa.select(Media.id).where(unread, Media.recorded_at.is_(None)).order_by(Media.id).limit(limit)
    found = list(session.scalars(untimed))
    if len(found) < limit:
        found += session.scalars(_probes(unread).limit(limit - len(found)))
    return found


def _probes(unread: sa.ColumnElement[bool]) -> sa.Select[int]:
    """Media with a time at which it is worth comparing it with the bar."""
    before = sa.func.lag(Media.recorded_at).over(partition_by=Media.deployment_id, order_by=Media.id)
    place = sa.func.row_number().over(partition_by=Media.deployment_id, order_by=Media.id)
    rows = sa.select(Media.id, Media.recorded_at, before.label("before"), place.label("place"))
    media = rows.where(Media.kind == "image", Media.recorded_at.is_not(None)).subquery()
    seconds = sa.extract("epoch", media.c.recorded_at) - sa.extract("epoch", media.c.before)
    jumps = sa.or_(seconds < -JUMP_BACK.total_seconds(), seconds > JUMP_AHEAD.total_seconds())
    factory = media.c.recorded_at < FIRST_DAY
    wanted = sa.or_(media.c.place % ONE_IN == 1, sa.and_(media.c.before.is_not(None), jumps), factory)
    return sa.select(Media.id).where(unread, Media.id.in_(sa.select(media.c.id).where(wanted))).order_by(Media.id)


def readings(session: Session, deployment_ids: Sequence[int] | None = None) -> list[Reading]:
    """The readings that gave a date, a time or a label, of some deployments or of all, by media."""
    query = (
        sa.select(StampReading, Media, MediaTime.at)
        .join(Media, Media.id == StampReading.media_id)
        .outerjoin(MediaTime, MediaTime.media_id == Media.id)
        .where(StampReading.failure.is_(None))
        .order_by(Media.id)
    )
    if deployment_ids is not None:
        query = query.where(Media.deployment_id.in_(deployment_ids))
    return [_reading(*row) for row in session.execute(query)]


def _reading(row: StampReading, media: Media, taken: str | None) -> Reading:
    return Reading(
        media.id,
        media.sha256,
        media.width,
        media.height,
        media.kind,
        media.deployment_id,
        media.recorded_at,
        taken is not None,
        {order: date.fromisoformat(text) for order, text in row.dates.items()},
        time.fromisoformat(row.time) if row.time else None,
        row.label,
        row.form,
        row.text,
        Box(*row.box) if row.box else None,
        tuple(row.doubts),
    )


def state(session: Session) -> tuple[object, ...]:
    """Names what proposals rest on; another value means that they may have changed."""
    read = sa.select(sa.func.count(), sa.func.max(StampReading.created_at)).select_from(StampReading)
    decided = sa.select(sa.func.max(Decision.id), sa.func.max(Decision.undone_at), sa.func.count(Decision.undone_at))
    decided = decided.where(Decision.kind.in_(CONCERNING))
    return (*session.execute(read).one(), *session.execute(decided).one())


def proposals(session: Session) -> list[Proposal]:
    """What the bars of each deployment propose, where there is anything to decide, by station and name."""
    by_deployment: dict[int, list[Reading]] = {}
    for reading in readings(session):
        if reading.deployment_id is not None:
            by_deployment.setdefault(reading.deployment_id, []).append(reading)
    rows = session.scalars(sa.select(Deployment).order_by(Deployment.station, Deployment.name))
    found = [proposal(row, by_deployment[row.id]) for row in rows if row.id in by_deployment]
    return [proposed for proposed in found if proposed.has_something]


def proposal(deployment: Deployment, found: Sequence[Reading], order: str | None = None) -> Proposal:
    """What these readings of one deployment propose. order: of day and month, as a person says; None: as they show."""
    possible = orders(found)
    shown = order or (possible[0] if len(possible) == 1 else None)
    usual = _usual_form(found)
    untimed = [
        reading
        for reading in found
        if reading.recorded is None and not reading.taken and reading.dates and reading.time
    ]
    astray = _astray(found, shown)
    sure = [
        reading
        for reading in untimed
        if not reading.doubts and reading.form == usual and reading.media_id not in astray
    ]
    times = {reading.media_id: at for reading in sure if (at := reading.at(shown)) is not None}
    return Proposal(
        deployment.id,
        deployment.name,
        deployment.station,
        shown,
        not possible,
        times,
        [reading for reading in sure if reading.media_id not in times],
        [reading for reading in untimed if reading not in sure],
        _different(found, shown, usual),
        _label(found),
        {reading.media_id: reading for reading in found},
    )


def orders(found: Sequence[Reading]) -> list[str]:
    """The orders of day and month that fit every bar of a deployment.

    A bar that leaves it open fits both and decides nothing; doubtful readings are not asked.
    """
    sure = [reading for reading in found if reading.dates and not reading.doubts and len(set(reading.dates)) > 0]
    fitting = [order for order in ORDERS if all(order in reading.dates or _same(reading) for reading in sure)]
    return fitting if sure else list(ORDERS)


def _same(reading: Reading) -> bool:
    """Whether the date is the same in any order: the name of a month, or the same day and month."""
    return reading.form.startswith(("dmy by", "mdy by", "ymd by"))


def _usual_form(found: Sequence[Reading]) -> str:
    """How most bars of a deployment are written; one that is written otherwise was probably misread."""
    forms = Counter(reading.form for reading in found if reading.dates and reading.time and not reading.doubts)
    return forms.most_common(1)[0][0] if forms else ""


def _astray(found: Sequence[Reading], order: str | None) -> set[int]:
    """Media whose bar is out of order between two neighbours that are in order: one figure of it was misread."""
    times = [
        (reading.media_id, at) for reading in found if not reading.doubts and (at := reading.at(order)) is not None
    ]
    return {
        times[place][0]
        for place in range(1, len(times) - 1)
        if times[place - 1][1] <= times[place + 1][1]
        and not times[place - 1][1] - SAME <= times[place][1] <= times[place + 1][1] + SAME
    }


def _different(found: Sequence[Reading], order: str | None, usual: str) -> list[tuple[Reading, int]]:
    different = []
    for reading in found:
        at = reading.at(order)
        if at is None or reading.recorded is None or reading.taken or reading.doubts or reading.form != usual:
            continue
        if abs(at - reading.recorded) > SAME:
            different.append((reading, round((at - reading.recorded).total_seconds())))
    return different


def _label(found: Sequence[Reading]) -> str:
    labels = Counter(reading.label for reading in found if reading.label)
    label, count = labels.most_common(1)[0] if labels else ("", 0)
    return label if count >= SHARE * len(found) and names_a_place(label) else ""
