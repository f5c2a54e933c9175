"""What the bars of pictures say, and the times that people took from them"""

import sqlalchemy as sa
from alembic import op

revision = "0020_stamps"
down_revision = "0019_looks"


def upgrade() -> None:
    """Two new tables."""
    op.create_table(
        "stamp_reading",
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("model_version_id", sa.Integer(), nullable=True),
        sa.Column("grammar", sa.String(16), nullable=False),
        sa.Column("dates", sa.JSON(), nullable=False),
        sa.Column("time", sa.String(8), nullable=True),
        sa.Column("celsius", sa.Float(), nullable=True),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("burst", sa.JSON(), nullable=False),
        sa.Column("form", sa.String(80), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("doubts", sa.JSON(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=f"fk_stamp_reading_{name}_{table}")
            for name, table in (("media_id", "media"), ("model_version_id", "model_version"), ("call_id", "call"))
        ),
        sa.PrimaryKeyConstraint("media_id", name="pk_stamp_reading"),
    )
    op.create_table(
        "media_time",
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(19), nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_media_time_media_id_media"),
        sa.PrimaryKeyConstraint("media_id", name="pk_media_time"),
    )
