"""Which profile of RAPID ranks where crops are described by both; rankings and curves of the scores of before go"""

import sqlalchemy as sa
from alembic import op

revision = "0012_profile"
down_revision = "0011_clip_runs"


def upgrade() -> None:
    """One new table. Rankings and calibrations are computed anew: RAPID's scores have another scale."""
    op.execute("DELETE FROM ranking")
    op.execute("DELETE FROM calibration")
    op.create_table(
        "local_profile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_local_profile"),
    )
