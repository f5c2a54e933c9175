"""What people said about deployments, speed limits and accepted conflicts"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Three tables of human decisions."""
    op.create_table(
        "deployment_review",
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("first_day", sa.String(length=10), nullable=True),
        sa.Column("last_day", sa.String(length=10), nullable=True),
        sa.Column("broken_from", sa.String(length=10), nullable=True),
        sa.Column("broken_to", sa.String(length=10), nullable=True),
        sa.Column("clock_offset_seconds", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_deployment_review_deployment_id_deployment")
        ),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_deployment_review")),
    )
    op.create_table(
        "speed_limit",
        sa.Column("species", sa.String(length=120), nullable=False),
        sa.Column("kmh", sa.Double(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("species", name=op.f("pk_speed_limit")),
    )
    op.create_table(
        "accepted_conflict",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("low_id", sa.Integer(), nullable=False),
        sa.Column("high_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["low_id"], ["detection.id"], name=op.f("fk_accepted_conflict_low_id_detection")),
        sa.ForeignKeyConstraint(["high_id"], ["detection.id"], name=op.f("fk_accepted_conflict_high_id_detection")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accepted_conflict")),
        sa.UniqueConstraint("kind", "low_id", "high_id", name=op.f("uq_accepted_conflict_kind_low_id_high_id")),
    )
