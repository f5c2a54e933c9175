"""Calls on Modal: their id there, the job that made them, their run time"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """New columns of the ledger."""
    with op.batch_alter_table("call") as batch_op:
        batch_op.add_column(sa.Column("run_seconds", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("job", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("remote_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("note", sa.String(), nullable=True))
        batch_op.create_index("ix_call_job", ["job"], unique=False)
