"""Evidence of pairs, outline and quality of crops, how individuals are named"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """New tables."""
    op.create_table(
        "pair_evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("low_id", sa.Integer(), nullable=False),
        sa.Column("high_id", sa.Integer(), nullable=False),
        sa.Column("low_box", sa.String(length=48), nullable=False),
        sa.Column("high_box", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("whole", sa.Integer(), nullable=False),
        sa.Column("animal", sa.Integer(), nullable=False),
        sa.Column("background", sa.Integer(), nullable=False),
        sa.Column("on_background", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        _cascade("pair_evidence", "low_id"),
        _cascade("pair_evidence", "high_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pair_evidence"),
        sa.UniqueConstraint("low_id", "high_id", name="uq_pair_evidence_low_id"),
    )
    op.create_index("ix_pair_evidence_high", "pair_evidence", ["high_id"], unique=False)
    op.create_table(
        "crop_outline",
        sa.Column("detection_id", sa.Integer(), nullable=False),
        sa.Column("box", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("mask", sa.LargeBinary(), nullable=False),
        sa.Column("mirror", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        _cascade("crop_outline", "detection_id"),
        sa.PrimaryKeyConstraint("detection_id", name="pk_crop_outline"),
    )
    op.create_table(
        "crop_quality",
        sa.Column("detection_id", sa.Integer(), nullable=False),
        sa.Column("box", sa.String(length=48), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        *(
            sa.Column(name, sa.Float(), nullable=False)
            for name in ("sharpness", "brightness", "clipped", "contrast", "pixels")
        ),
        sa.Column("at_edge", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("covered", "score", "created_at")),
        _cascade("crop_quality", "detection_id"),
        sa.PrimaryKeyConstraint("detection_id", name="pk_crop_quality"),
    )
    op.create_table(
        "naming",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("digits", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_naming"),
    )


def _cascade(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["detection.id"], name=f"fk_{table}_{column}_detection", ondelete="CASCADE"
    )
