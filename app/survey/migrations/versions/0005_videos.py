"""Clips: facts and summary, tracklets, the frames detections are on, corrected counts"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """New tables."""
    op.create_table(
        "video",
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("frame_rate", sa.Float(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("codec", sa.String(length=24), nullable=False),
        sa.Column("container", sa.String(length=48), nullable=False),
        sa.Column("lost", sa.String(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("summarised_at", sa.Float(), nullable=True),
        sa.Column("looked", sa.JSON(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("unlooked", sa.JSON(), nullable=False),
        sa.Column("night", sa.Boolean(), nullable=True),
        sa.Column("key_frame", sa.Integer(), nullable=False),
        sa.Column("animals", sa.Integer(), nullable=True),
        sa.Column("sentences", sa.JSON(), nullable=False),
        sa.Column("uncertainty", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_video_media_id_media"),
        sa.PrimaryKeyConstraint("media_id", name="pk_video"),
    )
    op.create_table(
        "tracklet",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("spans", sa.JSON(), nullable=False),
        sa.Column("entry", sa.String(length=8), nullable=True),
        sa.Column("exit", sa.String(length=8), nullable=True),
        sa.Column("moving", sa.Float(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("query_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_tracklet_media_id_media"),
        sa.PrimaryKeyConstraint("id", name="pk_tracklet"),
    )
    op.create_index("ix_tracklet_media_id", "tracklet", ["media_id"])
    op.create_table(
        "frame_detection",
        sa.Column("detection_id", sa.Integer(), nullable=False),
        sa.Column("tracklet_id", sa.Integer(), nullable=False),
        sa.Column("frame_number", sa.Integer(), nullable=False),
        sa.Column("second", sa.Float(), nullable=False),
        sa.Column("marked", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("quality", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["detection_id"], ["detection.id"], name="fk_frame_detection_detection_id_detection"),
        sa.ForeignKeyConstraint(["tracklet_id"], ["tracklet.id"], name="fk_frame_detection_tracklet_id_tracklet"),
        sa.PrimaryKeyConstraint("detection_id", name="pk_frame_detection"),
    )
    op.create_index("ix_frame_detection_tracklet", "frame_detection", ["tracklet_id", "frame_number"])
    op.create_table(
        "video_review",
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("animals", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_video_review_media_id_media"),
        sa.PrimaryKeyConstraint("media_id", name="pk_video_review"),
    )
