"""Boxes that were replaced before they were put aside"""

from alembic import op

revision = "0034_replaced_boxes"
down_revision = "0033_boxes_aside"


def upgrade() -> None:
    """Put described boxes aside whose media has another analysis that counts."""
    op.execute("""
        INSERT INTO box_aside (detection_id)
        SELECT detection.id FROM detection JOIN media ON media.id = detection.media_id
        WHERE detection.analysis_id IS NOT NULL
          AND (media.analysis_id IS NULL OR detection.analysis_id <> media.analysis_id)
          AND EXISTS (SELECT 1 FROM feature WHERE feature.detection_id = detection.id)
          AND NOT EXISTS (SELECT 1 FROM box_aside WHERE box_aside.detection_id = detection.id)
    """)
