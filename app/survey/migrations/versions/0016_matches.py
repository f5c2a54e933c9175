"""What the matcher found for pairs of crops, its evidence, and which rankings know it"""

import sqlalchemy as sa
from alembic import op

revision = "0016_matches"
down_revision = "0019_clocks"


def upgrade() -> None:
    """A new table and two empty columns."""
    op.create_table(
        "pair_match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("low_id", sa.Integer(), nullable=False),
        sa.Column("high_id", sa.Integer(), nullable=False),
        sa.Column("low_box", sa.String(length=48), nullable=False),
        sa.Column("high_box", sa.String(length=48), nullable=False),
        sa.Column("model_version_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("matches", sa.LargeBinary(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        _refers("low_id", "detection", ondelete="CASCADE"),
        _refers("high_id", "detection", ondelete="CASCADE"),
        _refers("model_version_id", "model_version"),
        _refers("call_id", "call"),
        sa.PrimaryKeyConstraint("id", name="pk_pair_match"),
        sa.UniqueConstraint("low_id", "high_id", name="uq_pair_match_low_id"),
    )
    op.create_index("ix_pair_match_high", "pair_match", ["high_id"], unique=False)
    op.add_column("pair_evidence", sa.Column("matcher", sa.JSON(), nullable=True))
    op.add_column("ranking", sa.Column("settled", sa.Boolean(), nullable=True))


def _refers(column: str, table: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_pair_match_{column}_{table}", ondelete=ondelete)
