"""The recorded time of a media beside the time that counts; what people know of a deployment besides place and days"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0019_clocks"
down_revision = "0015_places"

KNOWN = {"time_zone": sa.String(8), "camera": sa.String(120), "bait": sa.String(120), "notes": sa.String()}
MEDIA = sa.table(
    "media", sa.column("id"), sa.column("deployment_id"), sa.column("taken_at", sa.DateTime), sa.column("recorded_at")
)
REVIEW = sa.table("deployment_review", sa.column("deployment_id"), sa.column("clock_offset_seconds"))
EVENT = sa.table(
    "event",
    sa.column("id"),
    sa.column("deployment_id"),
    sa.column("started_at", sa.DateTime),
    sa.column("ended_at", sa.DateTime),
)


def upgrade() -> None:
    """Times are kept as recorded; the corrections that had been added on reading are written into taken_at."""
    op.add_column("media", sa.Column("recorded_at", sa.DateTime(), nullable=True))
    op.add_column("media", sa.Column("clock_seconds", sa.Integer(), nullable=True))
    for name, kind in KNOWN.items():
        op.add_column("deployment_review", sa.Column(name, kind, nullable=True))
    op.execute(sa.update(MEDIA).values(recorded_at=MEDIA.c.taken_at))
    _shift()


def _shift() -> None:
    connection = op.get_bind()
    corrected = connection.execute(sa.select(REVIEW).where(sa.func.coalesce(REVIEW.c.clock_offset_seconds, 0) != 0))
    for deployment_id, seconds in corrected.all():
        for table, names in ((MEDIA, ("taken_at",)), (EVENT, ("started_at", "ended_at"))):
            rows = connection.execute(sa.select(table).where(table.c.deployment_id == deployment_id)).mappings().all()
            for row in rows:
                moved = {name: row[name] + timedelta(seconds=seconds) for name in names if row[name]}
                if moved:
                    connection.execute(sa.update(table).where(table.c.id == row["id"]).values(**moved))
