"""The day of each note; what people decided about the clusters of a run"""

import sqlalchemy as sa
from alembic import op

from modal_backend.notes.dates import days_of

revision = "0024_note_days"
down_revision = "0022_results"

NOTE = sa.table("note", sa.column("id"), sa.column("file_id"), sa.column("date"), sa.column("day"))


def upgrade() -> None:
    """Days are read from the dates, file by file; a date that may be of two months gets none."""
    op.add_column("note", sa.Column("day", sa.String(10), nullable=False, server_default=""))
    connection = op.get_bind()
    for file_id in connection.execute(sa.select(NOTE.c.file_id).distinct()).scalars().all():
        notes = connection.execute(sa.select(NOTE.c.id, NOTE.c.date).where(NOTE.c.file_id == file_id)).all()
        days = days_of([note.date for note in notes])[0]
        known = [{"note_id": note.id, "known": day} for note, day in zip(notes, days, strict=True) if day]
        if known:
            found = sa.update(NOTE).where(NOTE.c.id == sa.bindparam("note_id")).values(day=sa.bindparam("known"))
            connection.execute(found, known)
    op.create_index("ix_note_day", "note", ["day"])
    op.create_index("ix_note_individual", "note", ["individual"])
    op.create_table(
        "note_cluster_review",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("note_run.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("into", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("decided_at", sa.Double(), nullable=False),
        sa.UniqueConstraint("run_id", "number"),
    )
