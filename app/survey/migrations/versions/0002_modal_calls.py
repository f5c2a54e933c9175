"""Calls on Modal: their id there, the job that made them, their run time"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New columns of the ledger."""
    with op.batch_alter_table("call") as batch_op:
        batch_op.add_column(sa.Column("run_seconds", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("job", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("remote_id", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("note", sa.String(), nullable=True))
        batch_op.create_index("ix_call_job", ["job"], unique=False)


def downgrade() -> None:
    """Drop them again."""
    with op.batch_alter_table("call") as batch_op:
        batch_op.drop_index("ix_call_job")
        for name in ("note", "remote_id", "job", "run_seconds"):
            batch_op.drop_column(name)
