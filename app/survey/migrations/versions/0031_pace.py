"""The pace of exports and of results that come in; decisions in parts"""

import sqlalchemy as sa
from alembic import op

revision = "0031_pace"
down_revision = "0029_call_functions"


def upgrade() -> None:
    """Empty columns."""
    for table in ("export_file", "results_file"):
        op.add_column(table, sa.Column("rate", sa.Float(), nullable=True))
        op.add_column(table, sa.Column("measured_at", sa.Float(), nullable=True))
    op.add_column("decision", sa.Column("part_of", sa.Integer(), nullable=True))
    op.create_index("ix_decision_part_of", "decision", ["part_of"])
