"""Which function of the app on Modal a call was sent to"""

import sqlalchemy as sa
from alembic import op

revision = "0029_call_functions"
down_revision = "0030_team"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One empty column; calls of earlier versions do not say it."""
    op.add_column("call", sa.Column("function_id", sa.String(64), nullable=True))


def downgrade() -> None:
    """Drop it again."""
    with op.batch_alter_table("call") as table:
        table.drop_column("function_id")
