"""What a run over a video found is in the run alone; the most animals at once, and the range of different ones"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018_video_facts"
down_revision = "0020_stamps"

MOVED = (
    "lost", "progress", "started_at", "summarised_at", "looked", "compared", "unlooked", "night", "animals",
    "sentences", "uncertainty",
)  # fmt: skip
run = sa.table(
    "clip_run", sa.column("id"), sa.column("media_id"), sa.column("animals"), sa.column("distinct_low"),
    sa.column("distinct_high"), sa.column("unidentified", sa.Boolean()), sa.column("summarised_at"),
    sa.column("facts", sa.JSON()),
)  # fmt: skip
tracklet = sa.table("tracklet", sa.column("run_id"), sa.column("counted", sa.Boolean()), sa.column("source"))


def upgrade() -> None:
    """Four columns of a run; the columns of a video that repeated its run go. A box that a person draws has a frame."""
    for name in ("animals", "distinct_low", "distinct_high"):
        op.add_column("clip_run", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("clip_run", sa.Column("unidentified", sa.Boolean(), nullable=True))
    connection = op.get_bind()
    moving = sa.and_(tracklet.c.run_id == run.c.id, tracklet.c.counted.is_(False), tracklet.c.source == "motion")
    unidentified = sa.exists().where(moving).select_from(tracklet).correlate(run)
    for row in connection.execute(sa.select(run.c.id, run.c.facts, unidentified.label("moves"))).mappings().all():
        facts: dict[str, Any] = dict(row["facts"] or {})
        if "animals" not in facts:
            continue
        animals = facts.pop("animals")
        values = {"animals": animals, "distinct_low": animals, "distinct_high": animals, "facts": facts}
        changed = sa.update(run).where(run.c.id == row["id"]).values(**values, unidentified=bool(row["moves"]))
        connection.execute(changed)
    with op.batch_alter_table("video") as batch:
        for name in MOVED:
            batch.drop_column(name)
    with op.batch_alter_table("frame_detection") as batch:
        batch.alter_column("tracklet_id", existing_type=sa.Integer(), nullable=True)
