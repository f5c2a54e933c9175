"""What the hint model holds the animal in a box for"""

import sqlalchemy as sa
from alembic import op

revision = "0025_hints"
down_revision = "0024_note_days"


def upgrade() -> None:
    """One empty table; the worker fills it from the embeddings that are there."""
    op.create_table(
        "species_hint",
        sa.Column("detection_id", sa.Integer(), sa.ForeignKey("detection.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("feature_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
    )
    op.create_index("ix_species_hint_version", "species_hint", ["version", "feature_id"])
    op.create_index("ix_species_hint_name", "species_hint", ["name", "score"])
