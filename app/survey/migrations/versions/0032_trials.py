"""Trials of detectors"""

import sqlalchemy as sa
from alembic import op

revision = "0032_trials"
down_revision = "0031_pace"


def upgrade() -> None:
    """Three empty tables."""
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("after_media", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("slice", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("turned", sa.Integer(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("ended_by", sa.String(80), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_trial"),
    )
    op.create_index("ix_trial_state", "trial", ["state"])
    op.create_table(
        "trial_image",
        sa.Column("trial_id", sa.Integer(), sa.ForeignKey("trial.id", name="fk_trial_image_trial_id_trial")),
        sa.Column("media_id", sa.Integer(), sa.ForeignKey("media.id", name="fk_trial_image_media_id_media")),
        sa.Column(
            "analysis_id",
            sa.Integer(),
            sa.ForeignKey("analysis.id", name="fk_trial_image_analysis_id_analysis"),
            nullable=True,
        ),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("animal", sa.Boolean(), nullable=True),
        sa.Column("other_animal", sa.Boolean(), nullable=True),
        sa.Column("boxes", sa.Integer(), nullable=False),
        sa.Column("other_boxes", sa.Integer(), nullable=False),
        sa.Column("alike", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(500), nullable=True),
        sa.PrimaryKeyConstraint("trial_id", "media_id", name="pk_trial_image"),
    )
    op.create_index("ix_trial_image_media_id", "trial_image", ["media_id"])
    op.create_index("ix_trial_image_analysis_id", "trial_image", ["analysis_id"])
    op.create_table(
        "trial_review",
        sa.Column("trial_id", sa.Integer(), sa.ForeignKey("trial.id", name="fk_trial_review_trial_id_trial")),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("trial_id", name="pk_trial_review"),
    )
