"""An index for the last undo, which every page asks for; the profile of RAPID that is to take over"""

import sqlalchemy as sa
from alembic import op

revision = "0013_profile_change"
down_revision = "0012_profile"


def upgrade() -> None:
    """One index and one empty column."""
    op.create_index("ix_decision_undone_at", "decision", ["undone_at"])
    op.add_column("local_profile", sa.Column("next_model", sa.String(length=64), nullable=True))
