"""What each media looks like as a whole, for the checks of clocks and cameras"""

import sqlalchemy as sa
from alembic import op

revision = "0019_looks"
down_revision = "0016_matches"


def upgrade() -> None:
    """An empty table; a job fills it."""
    op.create_table(
        "media_look",
        sa.Column("media_id", sa.Integer(), nullable=False),
        sa.Column("brightness", sa.Float(), nullable=False),
        sa.Column("contrast", sa.Float(), nullable=False),
        sa.Column("colour", sa.Float(), nullable=False),
        sa.Column("scene", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_media_look_media_id_media")),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_media_look")),
    )
