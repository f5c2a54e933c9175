"""Boxes that another detector took over"""

import sqlalchemy as sa
from alembic import op

revision = "0033_boxes_aside"
down_revision = "0032_trials"


def upgrade() -> None:
    """An empty table."""
    key = sa.ForeignKey("detection.id", name="fk_box_aside_detection_id_detection")
    op.create_table(
        "box_aside",
        sa.Column("detection_id", sa.Integer(), key, nullable=False),
        sa.PrimaryKeyConstraint("detection_id", name="pk_box_aside"),
    )
