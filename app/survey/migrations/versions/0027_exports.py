"""Files of the survey that people have had written"""

import sqlalchemy as sa
from alembic import op

revision = "0027_exports"
down_revision = "0026_hint_sources"


def upgrade() -> None:
    """One new table, empty."""
    op.create_table(
        "export_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(24), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("file", sa.String(255), nullable=True),
        sa.Column("mark", sa.String(120), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("holds", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_export_file"),
    )
    op.create_index("ix_export_file_state", "export_file", ["state"])
