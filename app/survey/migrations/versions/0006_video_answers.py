"""What video language models said about clips"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """The table of questions and answers."""
    op.create_table(
        "video_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("prompt_version", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=120), nullable=False),
        sa.Column("endpoint_host", sa.String(length=255), nullable=False),
        sa.Column("through", sa.String(length=16), nullable=False),
        sa.Column("sent", sa.String(length=120), nullable=True),
        sa.Column("frame_seconds", sa.JSON(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("count_claimed", sa.Integer(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_dollars", sa.Double(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_video_answer_media_id_media"),
        sa.PrimaryKeyConstraint("id", name="pk_video_answer"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_video_answer_media_id", "video_answer", ["media_id"], unique=False)
    op.create_index("ix_video_answer_outcome", "video_answer", ["outcome"], unique=False)
