"""The media whose people somebody decided to show"""

import sqlalchemy as sa
from alembic import op

revision = "0021_people"
down_revision = "0018_video_facts"


def upgrade() -> None:
    """One empty table."""
    op.create_table(
        "people_shown",
        sa.Column("media_id", sa.Integer(), sa.ForeignKey("media.id"), primary_key=True),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("decided_at", sa.Double(), nullable=False),
    )
