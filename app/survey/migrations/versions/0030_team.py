"""Which job is at work on which media, and who signed in and exported what"""

import sqlalchemy as sa
from alembic import op

revision = "0030_team"
down_revision = "0027_exports"


def upgrade() -> None:
    """Two empty tables."""
    op.create_table(
        "media_claim",
        sa.Column("media_id", sa.Integer(), sa.ForeignKey("media.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("job", sa.String(128), nullable=False),
    )
    op.create_index("ix_media_claim_job", "media_claim", ["job"])
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("about", sa.String(400), nullable=False),
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["at"])
