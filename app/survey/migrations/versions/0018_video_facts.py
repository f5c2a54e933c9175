"""What a run over a video found is in the run alone; the most animals at once, and the range of different ones"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018_video_facts"
down_revision = "0020_stamps"
branch_labels = None
depends_on = None

MOVED: tuple[sa.Column[Any], ...] = (
    sa.Column("lost", sa.String(), nullable=False, server_default=""),
    sa.Column("progress", sa.Float(), nullable=False, server_default="0"),
    sa.Column("started_at", sa.Float(), nullable=True),
    sa.Column("summarised_at", sa.Float(), nullable=True),
    sa.Column("looked", sa.JSON(), nullable=False, server_default="[]"),
    sa.Column("compared", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("unlooked", sa.JSON(), nullable=False, server_default="[]"),
    sa.Column("night", sa.Boolean(), nullable=True),
    sa.Column("animals", sa.Integer(), nullable=True),
    sa.Column("sentences", sa.JSON(), nullable=False, server_default="[]"),
    sa.Column("uncertainty", sa.JSON(), nullable=False, server_default="[]"),
)
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
        for column in MOVED:
            batch.drop_column(column.name)
    with op.batch_alter_table("frame_detection") as batch:
        batch.alter_column("tracklet_id", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    """Write the facts of the run that counts into its video again; frames of drawn boxes go."""
    connection = op.get_bind()
    connection.execute(sa.text("DELETE FROM frame_detection WHERE tracklet_id IS NULL"))
    with op.batch_alter_table("frame_detection") as batch:
        batch.alter_column("tracklet_id", existing_type=sa.Integer(), nullable=False)
    for column in MOVED:
        op.add_column("video", column.copy())
    names = ("lost", "looked", "compared", "unlooked", "night", "sentences", "uncertainty")
    video = sa.table("video", sa.column("run_id"), *(sa.column(column.name, column.type) for column in MOVED))
    for row in connection.execute(sa.select(run).where(run.c.summarised_at.is_not(None))).mappings().all():
        kept = {name: row["facts"].get(name) for name in names}
        values = {**kept, "animals": row["animals"], "summarised_at": row["summarised_at"], "progress": 1.0}
        connection.execute(sa.update(video).where(video.c.run_id == row["id"]).values(**values))
        facts = {**kept, "animals": row["animals"]}
        connection.execute(sa.update(run).where(run.c.id == row["id"]).values(facts=facts))
    for name in ("unidentified", "distinct_high", "distinct_low", "animals"):
        op.drop_column("clip_run", name)
