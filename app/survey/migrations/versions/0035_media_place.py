"""Where the files of media lie, and what a worker waits for"""

import sqlalchemy as sa
from alembic import op

revision = "0035_media_place"
down_revision = "0034_replaced_boxes"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "media_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_media_place"),
    )
    op.add_column("worker", sa.Column("waits_for", sa.String()))
