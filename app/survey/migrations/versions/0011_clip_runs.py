"""Runs of clips: every summary that was computed, and which one counts"""

import sqlalchemy as sa
from alembic import op

revision = "0011_clip_runs"
down_revision = "0010_notes"


def upgrade() -> None:
    """Two new tables; the summary every clip has becomes its first run."""
    op.create_table(
        "clip_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("analysis_id", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.String(length=80), nullable=True),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("summarised_at", sa.Float(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_clip_run_media_id_media"),
        sa.ForeignKeyConstraint(["analysis_id"], ["analysis.id"], name="fk_clip_run_analysis_id_analysis"),
        sa.PrimaryKeyConstraint("id", name="pk_clip_run"),
    )
    op.create_index("ix_clip_run_media_id", "clip_run", ["media_id"])
    op.create_table(
        "clip_run_choice",
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_clip_run_choice_media_id_media"),
        sa.ForeignKeyConstraint(["run_id"], ["clip_run.id"], name="fk_clip_run_choice_run_id_clip_run"),
        sa.PrimaryKeyConstraint("media_id", name="pk_clip_run_choice"),
    )
    op.add_column("video", sa.Column("run_id", sa.Integer(), nullable=True))
    op.add_column("tracklet", sa.Column("run_id", sa.Integer(), nullable=True))
    _first_runs(op.get_bind())


def _first_runs(connection: sa.Connection) -> None:
    names = ("lost", "looked", "compared", "unlooked", "night", "animals", "sentences", "uncertainty")
    json, types = {"looked", "unlooked", "sentences", "uncertainty"}, {"night": sa.Boolean()}
    columns = [sa.column(name, sa.JSON() if name in json else types.get(name)) for name in names]
    video = sa.table("video", sa.column("media_id"), sa.column("summarised_at"), sa.column("run_id"), *columns)
    media = sa.table("media", sa.column("id"), sa.column("analysis_id"))
    run = sa.table(
        "clip_run", sa.column("id"), sa.column("media_id"), sa.column("analysis_id"), sa.column("asked_at"),
        sa.column("progress"), sa.column("summarised_at"), sa.column("facts", sa.JSON()),
    )  # fmt: skip
    known = (
        sa.select(video.c.media_id, video.c.summarised_at, media.c.analysis_id, *(video.c[name] for name in names))
        .join(media, media.c.id == video.c.media_id)
        .where(video.c.summarised_at.is_not(None), media.c.analysis_id.is_not(None))
    )
    for row in connection.execute(known).mappings().all():
        values = {
            "media_id": row["media_id"],
            "analysis_id": row["analysis_id"],
            "asked_at": row["summarised_at"],
            "progress": 1.0,
            "summarised_at": row["summarised_at"],
            "facts": {
                name: bool(row[name]) if name == "night" and row[name] is not None else row[name] for name in names
            },
        }
        connection.execute(sa.insert(run).values(**values))
    for name in ("video", "tracklet"):
        table = sa.table(name, sa.column("media_id"), sa.column("run_id"))
        mine = sa.select(run.c.id).where(run.c.media_id == table.c.media_id).scalar_subquery()
        connection.execute(sa.update(table).values(run_id=mine))
