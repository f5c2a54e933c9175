"""Which function of the app on Modal a call was sent to"""

import sqlalchemy as sa
from alembic import op

revision = "0029_call_functions"
down_revision = "0030_team"


def upgrade() -> None:
    """One empty column; calls of earlier versions do not say it."""
    op.add_column("call", sa.Column("function_id", sa.String(64), nullable=True))
